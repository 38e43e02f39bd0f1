//! Passwords: the rules of NIST SP 800-63B-4 and argon2id.
