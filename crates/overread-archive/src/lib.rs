//! Here live the bytes: packs of Part 10 files, durable appends, range reads, scrub.
