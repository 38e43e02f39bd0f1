#![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
use super::{Config, OfVariables};

#[test]
fn variables_win_and_secrets_stay_hidden() {
    let mut config = Config::default();
    let variable = |name: &str| match name {
        "OVERREAD_DATABASE_URL" => Some("postgres://user:password@host/overread".to_owned()),
        "OVERREAD_BEHIND_PROXY" => Some("true".to_owned()),
        _ => None,
    };
    config.overlay(variable, &mut OfVariables::new()).unwrap();
    assert!(config.behind_proxy);
    assert_eq!(
        config.database_url.reveal(),
        "postgres://user:password@host/overread"
    );
    assert!(!format!("{config:?}{}", toml::to_string(&config).unwrap()).contains("password@"));
}

#[test]
fn a_bucket_is_read_and_its_key_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[archive]\ns3 = { endpoint = 'https://objects.example', bucket = 'images', \
                access_key_id = 'overread', secret_file = 'key', cache_mib = 100 }\n";
    std::fs::write(dir.path().join("config.toml"), text).unwrap();
    assert!(Config::load(dir.path()).is_err(), "the file is missing");
    std::fs::write(dir.path().join("key"), "from-a-file\n").unwrap();
    let mut config = Config::load(dir.path()).unwrap();
    let settings = |config: &Config| config.archive.s3.as_ref().unwrap().settings();
    assert_eq!(settings(&config).cache_bytes, 100 * 1024 * 1024);
    let key = |name: &str| (name == "OVERREAD_ARCHIVE_S3_SECRET").then(|| "won".to_owned());
    assert_eq!(
        settings(&config).secret,
        overread_archive::S3Secret::new("from-a-file")
    );
    config.overlay(key, &mut OfVariables::new()).unwrap();
    assert_eq!(
        settings(&config).secret,
        overread_archive::S3Secret::new("won")
    );
    let shown = format!(
        "{config:?}{}{:?}",
        toml::to_string(&config).unwrap(),
        settings(&config)
    );
    assert!(
        shown.contains("images") && !shown.contains("won"),
        "{shown}"
    );
    for wrong in [
        "archive.s3 = { bucket = '' }",
        "archive.s3 = { bucket = 'images', endpoint = 'http://objects.example' }",
        "archive.s3 = { bucket = 'images', access_key_id = 'overread' }",
        "archive.s3 = { bucket = 'images', cache_mib = 1 }",
        "archive.s3 = { bucket = 'images', patience_seconds = 0 }",
    ] {
        let config: Config = toml::from_str(wrong).unwrap();
        assert!(config.check().is_err(), "{wrong}");
    }
}

#[test]
fn wrong_settings_are_refused() {
    assert!(toml::from_str::<Config>("publik_url = 'x'").is_err());
    let config = Config {
        public_url: "example.org".to_owned(),
        ..Config::default()
    };
    assert!(config.check().is_err());
    for text in [
        "dimse.ae_title = 'SEVENTEEN LETTERS'",
        "dimse.idle_seconds = 0",
        "dimse.callers = [{ ae_title = '' }]",
        "tls.certificate = 'fullchain.pem'",
        "tls.key = 'key.pem'",
        "dicomweb.cors_origins = ['*']",
        "public_url = 'https://a.example'\ndicomweb.cors_origins = ['https://a.example']",
        "dimse.callers = [{ ae_title = 'MR1', may = ['find'] }]",
        "dimse.callers = [{ ae_title = 'MR1', address = '10.0.0.5' }]",
        "dimse.peers = [{ name = 'pacs', ae_title = '', address = 'pacs', port = 104 }]",
        "dimse.tls.certificate = 'cert.pem'",
        "keeping.grace_days = 0",
        "keeping.case_gb = 0",
        "keeping.rules = [{ name = 'all', years = 7, source = '' }]",
        "keeping.rules = [{ name = 'all', source = 'our lawyer' }]",
    ] {
        let config: Config = toml::from_str(text).unwrap();
        assert!(config.check().is_err(), "{text}");
    }
    let nowhere = "dimse.callers = [{ ae_title = 'MR1', addresses = ['radiology'] }]";
    assert!(toml::from_str::<Config>(nowhere).unwrap().check().is_err());
    let host_bits = "dimse.callers = [{ ae_title = 'MR1', addresses = ['10.1.0.7/16'] }]";
    assert!(
        toml::from_str::<Config>(host_bits)
            .unwrap()
            .check()
            .is_err()
    );
    let same = "dimse.callers = [{ ae_title = 'MR1' }, { ae_title = 'CT1' }, { ae_title = 'MR1' }]";
    let told = format!(
        "{:#}",
        toml::from_str::<Config>(same).unwrap().check().unwrap_err()
    );
    assert!(
        told.contains("entries 1 and 3 of dimse.callers both let in MR1"),
        "{told}"
    );
    let peer = "{ name = 'pacs', ae_title = 'PACS', address = 'pacs', port = 104 }";
    let twice = format!("dimse.peers = [{peer}, {peer}]");
    let told = format!(
        "{:#}",
        toml::from_str::<Config>(&twice)
            .unwrap()
            .check()
            .unwrap_err()
    );
    assert!(
        told.contains("entries 1 and 2 of dimse.peers have one name"),
        "{told}"
    );
    let network =
        "dimse.callers = [{ ae_title = 'MR1', addresses = ['10.1.0.0/16', '2001:db8::/32'] }]";
    assert!(toml::from_str::<Config>(network).unwrap().check().is_ok());
}

#[test]
fn no_error_shows_what_stands_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    for text in [
        "[mail]\npassword=hunter2\n",
        "[mail]\npassword = 'hunter2\n",
        "[mail]\nport = 'hunter2'\n",
        "[mail]\nport = 'a, expected hunter2'\n",
        "[mail]\npassword = 'x' hunter2\n",
        "[mail]\nhunter2\n",
        "hunter2 = 1\n",
        "[[dimse.callers]]\nae_title = 'MR1'\ntoken = 'ovr_hunter2'\n",
        "[[dimse.callers]]\nae_title = 'MR1'\nmay = ['hunter2']\n",
        "[[dimse.callers]]\nae_title = 'MR1'\naddresses = ['hunter2']\n",
        "[[dimse.callers]]\nae_title = 'ovr_hunter2hunter2hunter2'\n",
        "[dicomweb]\ncors_origins = ['hunter2']\n",
        "[archive]\ns3 = { bucket = 'images', secret_file = 'hunter2' }\n",
        "[archive]\ns3 = { bucket = 'images', endpoint = 'http://hunter2' }\n",
        "[[keeping.rules]]\nname = 'hunter2'\nsource = ''\n",
    ] {
        std::fs::write(dir.path().join("config.toml"), text).unwrap();
        let told = format!("{:#}", Config::load(dir.path()).unwrap_err());
        assert!(!told.contains("hunter2"), "{text}: {told}");
    }
    std::fs::write(dir.path().join("config.toml"), "[mail]\nport = 'x'\n").unwrap();
    let told = format!("{:#}", Config::load(dir.path()).unwrap_err());
    assert!(
        told.contains(
            "line 2: `mail.port`: a text of 1 characters was read; a whole number from 0 to 65535 is expected"
        ),
        "{told}"
    );
}

#[test]
fn rules_of_retention_are_read_and_those_of_laws_count_too() {
    let text = "[keeping]\ngrace_days = 60\n[[keeping.rules]]\nname = 'all'\nyears = 7\n\
                counts_from = 'last_use'\nsource = 'our lawyer'\n";
    let mut config: Config = toml::from_str(text).unwrap();
    config.check().unwrap();
    let cited = &overread_knowledge::Knowledge::embedded().retention.rules;
    let settings = config.keeping.settings(cited);
    assert_eq!(
        (settings.grace_days, settings.rules.len()),
        (60, 1 + cited.len())
    );
    assert!(!settings.rules[0].unconfirmed, "nothing is erased unasked");
    config.keeping.cited_rules = false;
    assert_eq!(config.keeping.settings(cited).rules.len(), 1);
    let shown = toml::to_string_pretty(&config).unwrap();
    assert_eq!(toml::from_str::<Config>(&shown).unwrap(), config);
}

#[test]
fn callers_are_read_and_shown() {
    let text = "[[dimse.callers]]\nae_title = 'MR1'\naddresses = ['10.0.0.5']\n";
    let config: Config = toml::from_str(text).unwrap();
    let door = config.dimse.door().unwrap();
    let (mr, other) = ("MR1".parse().unwrap(), "MR2".parse().unwrap());
    assert!(door.callers.admit(&mr, "10.0.0.5".parse().unwrap()));
    assert!(!door.callers.admit(&other, "10.0.0.5".parse().unwrap()));
    let shown = toml::to_string_pretty(&config).unwrap();
    assert_eq!(toml::from_str::<Config>(&shown).unwrap(), config);
}

/// Checks what is told of a configuration, behind the name of its file.
fn check_told(text: &str, words: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    let told = format!("{:#}", Config::load(dir.path()).unwrap_err());
    let told = told.strip_prefix(&format!("{} cannot be used: ", file.display()));
    let told = told.unwrap_or_else(|| panic!("{text}"));
    assert!(told.starts_with(words), "{text}:\n{told}");
}

#[test]
fn an_unknown_setting_and_another_kind_of_value_are_told_where_they_stand() {
    check_told(
        "token = 'nonsense'\n",
        "line 1: there is no setting of this name before the first [table]. `token` is a setting of [[dimse.callers]]. There are: public_url,",
    );
    check_told(
        "\norganization = 'typo'\n",
        "line 2: there is no setting of this name before the first [table]. Is `organisation` meant? There are:",
    );
    check_told(
        "[mail]\nhost = 'm'\nfrm = 'a'\n",
        "line 3: there is no setting of this name in [mail]. Is `from` meant? There are: host, port,",
    );
    check_told(
        "[mail]\nport = 70000\n",
        "line 2: `mail.port`: a whole number was read; a whole number from 0 to 65535 is expected",
    );
    check_told(
        "behind_proxy = 'yes'\n",
        "line 1: `behind_proxy`: a text of 3 characters was read; true or false, without quotes, is expected",
    );
    check_told(
        "keeping = 7\n",
        "line 1: `keeping`: a whole number was read; a table, as [mail] begins one, is expected",
    );
}

#[test]
fn a_wrong_entry_of_a_list_is_told_by_its_number() {
    let caller = "[[dimse.callers]]\nae_title = 'CT1'\n[[dimse.callers]]\nae_title = 'MR1'\n";
    for (line, words) in [
        (
            "token = 'nonsense'",
            "line 5: `dimse.callers.token` of entry 2: a text of 8 characters was read; not an id: 26",
        ),
        (
            "token = 'ovr_hunter2hunter2'",
            "line 5: `dimse.callers.token` of entry 2: a text of 18 characters was read; this is the secret of a token, and its id is wanted: overread token list shows it",
        ),
        (
            "may = ['stor']",
            "line 5: `dimse.callers.may` of entry 2: a text of 4 characters was read; one of `store`, `find`, `retrieve` is expected",
        ),
        (
            "addresses = ['10.1.0.7/16']",
            "line 5: `dimse.callers.addresses` of entry 2: address 1: ",
        ),
        (
            "may = ['find']",
            "line 5: `dimse.callers.may` of entry 2: it may find or retrieve, but names no token",
        ),
        (
            "port = 104",
            "line 5: `dimse.callers.port` of entry 2: `address`, which belongs to it, is not set",
        ),
        (
            "adresses = []",
            "line 5: there is no setting of this name in [dimse.callers]. Is `addresses` meant?",
        ),
    ] {
        check_told(&format!("{caller}{line}\n"), words);
    }
    check_told(
        "[[dimse.callers]]\naddresses = ['10.1.0.7']\n",
        "line 1: `dimse.callers` of entry 1 lacks `ae_title`",
    );
}

#[test]
fn what_can_be_read_and_not_used_is_told_by_line_and_setting() {
    check_told(
        "[keeping]\ngrace_days = 0\n",
        "line 2: `keeping.grace_days`: 0 was read; a whole number from 1 to 3650 is expected",
    );
    check_told(
        "[[keeping.rules]]\nname = 'all'\nyears = 7\nsource = ''\n",
        "line 1: `keeping.rules` of entry 1: it names no source",
    );
    check_told(
        "[tls]\ncertificate = 'x.pem'\n",
        "line 2: `tls.certificate`: `key`, which belongs to it, is not set",
    );
    check_told(
        "public_url = 'example.org'\n",
        "line 1: `public_url`: what was read begins",
    );
    check_told(
        "[archive.s3]\nbucket = ''\n",
        "line 1: `archive.s3`: the settings of the object store cannot be used: the bucket is missing",
    );
    check_told(
        "organisation = Practice\n",
        "line 1: `organisation`: this is not TOML: ",
    );
    check_told(
        "[mail]\nhost = 'a'\nhost = 'b'\n",
        "line 3: `host`: this setting stands here for",
    );
}
