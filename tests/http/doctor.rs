//! `stormglass doctor`: what is not well is named, with its cause and the way out, and no secret leaves the machine.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Output},
};

use serde_json::Value;

use crate::support::{client::HANG, fixtures::small_model_bytes, process::Process};

fn doctor(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .env_clear()
        .arg("doctor")
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn findings(output: &Output) -> Vec<Value> {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(output)))
}

/// Outcome and text of each finding of a check.
fn of<'a>(findings: &'a [Value], check: &str) -> Vec<(&'a str, &'a str)> {
    let of_check = findings.iter().filter(|finding| finding["check"] == check);
    of_check.map(|f| (f["outcome"].as_str().unwrap(), f["what"].as_str().unwrap())).collect()
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn a_service_that_is_well_is_said_to_be_and_its_prices_made_up() {
    let service = Process::serve(&["--source", "simulator"], |_| ());
    service.get_until("/readyz", HANG, |status, _| status == 200);
    let listen = service.address.to_string();
    let output = doctor(&["--json"], &[("STORMGLASS__SERVER__LISTEN", &listen)]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let found = findings(&output);
    for check in
        ["configuration", "model file", "model", "port", "alive", "ready", "health", "counters", "clock"]
    {
        let of_check = of(&found, check);
        assert!(
            !of_check.is_empty() && of_check.iter().all(|(outcome, _)| *outcome == "ok"),
            "{check}: {of_check:?}"
        );
    }
    let symbols = of(&found, "symbols");
    assert!(
        symbols.iter().any(|(outcome, what)| *outcome == "warning" && what.contains("simulated")),
        "{symbols:?}"
    );
    assert_eq!(of(&found, "kafka bootstrap"), [("skipped", "Kafka is not configured")]);

    let said = text(&doctor(&["--url", &format!("http://{listen}")], &[]));
    assert!(said.contains("is alive") && said.contains("0 failed"), "{said}");
    // Called by another name it is the same service, and nobody is to end it.
    let url = format!("http://localhost:{}", service.address.port());
    let output = doctor(&["--url", &url, "--json"], &[("STORMGLASS__SERVER__LISTEN", &listen)]);
    assert_eq!(of(&findings(&output), "port"), [("ok", format!("the service has {listen}").as_str())]);
}

#[test]
fn without_a_service_the_machine_is_looked_at_and_one_that_was_named_must_answer() {
    let listen = free_address();
    let output = doctor(&["--json"], &[("STORMGLASS__SERVER__LISTEN", &listen)]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let found = findings(&output);
    assert_eq!(of(&found, "port"), [("ok", format!("{listen} is free").as_str())]);
    assert_eq!(of(&found, "ready"), [("skipped", "no service runs here")]);
    let url = format!("http://{listen}");
    let output = doctor(&["--url", &url, "--json"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let alive = findings(&output);
    let alive = of(&alive, "alive");
    assert!(alive[0].0 == "failed" && alive[0].1.contains("nobody listens"), "{alive:?}");
}

#[test]
fn a_port_that_something_else_has_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = listener.local_addr().unwrap().to_string();
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1_024]);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").unwrap();
        // It keeps the port until the doctor has looked.
        listener
    });
    let output = doctor(&["--json"], &[("STORMGLASS__SERVER__LISTEN", &listen)]);
    other.join().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let found = findings(&output);
    assert!(of(&found, "port")[0].1.contains("in use by something else"), "{found:?}");
}

#[test]
fn a_model_that_cannot_be_used_is_told_with_its_cause() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let sound = small_model_bytes("small", -1.5);
    let listen = free_address();
    for (path, words) in [
        ("/no/such/model.sgm".to_owned(), "does not exist (not even the directory /no/such)"),
        (write("forest.pkl", b"\x80\x04\x95 and more"), "looks like a pickle"),
        (write("empty.sgm", b""), "is empty"),
        (write("cut.sgm", &sound[..sound.len() - 1]), "no model: "),
    ] {
        let variables = [("MODEL_PATH", path.as_str()), ("STORMGLASS__SERVER__LISTEN", &listen)];
        let output = doctor(&[], &variables);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(
            text(&output).contains(words) && text(&output).contains("-> "),
            "{words:?}: {}",
            text(&output)
        );
    }
    let path = write("sound.sgm", &sound);
    let variables = [("MODEL_PATH", path.as_str()), ("STORMGLASS__SERVER__LISTEN", &listen)];
    assert_eq!(doctor(&[], &variables).status.code(), Some(0));
}

#[test]
fn a_record_outranks_the_path_and_what_ends_a_start_is_told_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let record = directory.path().join("record.json");
    std::fs::write(&record, "no record").unwrap();
    let (record, listen) = (record.to_str().unwrap(), free_address());
    let variables = [
        ("STORMGLASS__MODEL__RECORD", record),
        ("MODEL_PATH", "/no/such/model.sgm"),
        ("STORMGLASS__MODEL__DIRECTORY", "/no/such/folder"),
        ("STORMGLASS__SERVER__ADMIN_TOKEN", "env:STORMGLASS_NO_SUCH"),
        ("STORMGLASS__SERVER__LISTEN", &listen),
    ];
    let output = doctor(&["--json"], &variables);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let found = findings(&output);
    assert_eq!(of(&found, "model file")[0].0, "skipped", "{found:?}");
    let model = of(&found, "model");
    assert!(model[0].0 == "failed" && model[0].1.contains(record), "{model:?}");
    let changes = of(&found, "model changes");
    assert!(changes[0].1.contains("model.directory is \"/no/such/folder\""), "{changes:?}");
    assert!(changes[1].1.contains("STORMGLASS_NO_SUCH, which is not set"), "{changes:?}");

    // While a record is in force, who runs by it is not told to have another path.
    let service = Process::serve(&["--source", "simulator"], |_| ());
    service.get_until("/livez", HANG, |status, _| status == 200);
    let listen = service.address.to_string();
    let asked = |variables: &[(&str, &str)]| {
        let variables = [variables, &[("STORMGLASS__SERVER__LISTEN", listen.as_str())]].concat();
        let output = doctor(&["--json"], &variables);
        let found = findings(&output);
        of(&found, "same build").iter().any(|(_, what)| what.contains("has the model path"))
    };
    assert!(asked(&[("MODEL_PATH", "/no/such/model.sgm")]));
    assert!(!asked(&[("MODEL_PATH", "/no/such/model.sgm"), ("STORMGLASS__MODEL__RECORD", record)]));
}

#[test]
fn a_wrong_setting_is_a_finding_and_a_useless_one_a_warning() {
    let output = doctor(&["--json"], &[("STORMGLASS__SERVER__LISTNE", "x")]);
    assert_eq!(output.status.code(), Some(1));
    let found = findings(&output);
    assert!(of(&found, "configuration")[0].1.contains("did you mean \"server.listen\"?"), "{found:?}");
    assert_eq!(of(&found, "model")[0].0, "skipped");
    let listen = free_address();
    let variables = [("MLFLOW_TRACKING_URI", "http://mlflow:5000"), ("STORMGLASS__SERVER__LISTEN", &listen)];
    let output = doctor(&["--json"], &variables);
    assert_eq!(output.status.code(), Some(0));
    let found = findings(&output);
    let configuration = of(&found, "configuration");
    let warning = ("warning", "MLFLOW_TRACKING_URI is set and not used");
    assert!(configuration.contains(&warning), "{configuration:?}");
}

#[cfg(feature = "kafka")]
#[test]
fn a_broker_that_is_not_there_is_told() {
    let (listen, broker) = (free_address(), free_address());
    let variables =
        [("KAFKA_BOOTSTRAP_SERVERS", broker.as_str()), ("STORMGLASS__SERVER__LISTEN", listen.as_str())];
    let output = doctor(&["--json"], &variables);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let found = findings(&output);
    let bootstrap = of(&found, "kafka bootstrap");
    assert!(bootstrap[0].1.contains(&format!("no connection to {broker}")), "{bootstrap:?}");
    assert_eq!(of(&found, "kafka topics"), [("skipped", "no broker answers")]);
}

#[test]
fn a_bundle_has_what_is_needed_and_no_secret() {
    const SECRETS: [&str; 3] = ["hunter2-in-file", "hunter3-in-variable", "hunter4-in-address"];
    let service = Process::serve(&["--source", "simulator"], |_| ());
    service.get_until("/readyz", HANG, |status, _| status == 200);
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (bundle, log, configuration) = (path("bundle.zip"), path("service.log"), path("service.toml"));
    std::fs::write(&log, format!("connected as ann with {} and {}\n", SECRETS[0], SECRETS[1])).unwrap();
    let listen = service.address;
    std::fs::write(
        &configuration,
        format!(
            "[server]\nlisten = \"{listen}\"\n[source]\nkind = \"simulator\"\n[kafka.properties]\n\
             \"sasl.password\" = \"{}\"\n\"ssl.key.password\" = \"env:KEY_PASSWORD\"\n\"sasl.username\" = \"ann\"\n",
            SECRETS[0]
        ),
    )
    .unwrap();
    let advertised = format!("http://ann:{}@host:8000", SECRETS[2]);
    let output = doctor(
        &["--config", &configuration, "--bundle", &bundle, "--log", &log],
        &[("KEY_PASSWORD", SECRETS[1]), ("STORMGLASS__SERVER__ADVERTISED_URL", &advertised)],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let mut archive = zip::ZipArchive::new(std::fs::File::open(&bundle).unwrap()).unwrap();
    let mut names = Vec::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).unwrap();
        let (mut content, name) = (String::new(), file.name().unwrap().into_owned());
        file.read_to_string(&mut content).unwrap();
        for secret in SECRETS {
            assert!(!content.contains(secret), "{secret} is in {name}");
        }
        assert!(!content.is_empty(), "{name}");
        names.push(name);
    }
    for name in [
        "doctor.txt",
        "doctor.json",
        "machine.json",
        "configuration.toml",
        "log.txt",
        "service/version.json",
        "service/health.json",
        "service/metrics.txt",
        "service/events.json",
    ] {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
    }
    let raw = std::fs::read(&bundle).unwrap();
    assert!(
        !SECRETS.iter().any(|secret| raw.windows(secret.len()).any(|window| window == secret.as_bytes()))
    );
}

/// Every file of a bundle.
fn unpacked(bundle: &std::path::Path) -> Vec<(String, String)> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(bundle).unwrap()).unwrap();
    let mut files = Vec::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).unwrap();
        let (mut content, name) = (String::new(), file.name().unwrap().into_owned());
        file.read_to_string(&mut content).unwrap();
        files.push((name, content));
    }
    files
}

#[test]
fn a_bundle_without_a_configuration_repeats_nobodys_words() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let (no_toml, number) = (path("no.toml"), path("number.toml"));
    std::fs::write(&no_toml, "[kafka.properties]\n\"sasl.password\" = hunter5\n").unwrap();
    std::fs::write(&number, "[server]\nadmin_token = 918273645\n").unwrap();
    let service = Process::serve(&["--source", "simulator"], |_| ());
    let url = format!("http://{}", service.address);
    let properties = [("STORMGLASS__KAFKA__PROPERTIES", "sasl.password=a,hunter5")];
    let address = [("STORMGLASS__SERVER__ADVERTISED_URL", "http://ann:hunter5@host/prefix")];
    for (number_of_case, (file, variables, place)) in [
        (Some(&no_toml), &[][..], "no.toml is not TOML"),
        (Some(&number), &[], "server.admin_token (file "),
        (None, &properties, "kafka.properties (environment STORMGLASS__KAFKA__PROPERTIES)"),
        (None, &address, "server.advertised_url: "),
    ]
    .into_iter()
    .enumerate()
    {
        let bundle = path(&format!("{number_of_case}.zip"));
        let mut arguments = vec!["--url", &url, "--bundle", bundle.to_str().unwrap()];
        arguments.extend(file.iter().flat_map(|file| ["--config", file.to_str().unwrap()]));
        let output = doctor(&arguments, variables);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        let files = unpacked(&bundle);
        for (name, content) in &files {
            assert!(!content.contains("hunter5") && !content.contains("918273645"), "{name}: {content}");
        }
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["doctor.txt", "doctor.json", "machine.json"]);
        assert!(files[0].1.contains(place), "{place:?} is not in {}", files[0].1);
    }

    let (bundle, log) = (path("with-log.zip"), path("service.log"));
    std::fs::write(&log, "connected with hunter5\n").unwrap();
    let arguments = ["--bundle", bundle.to_str().unwrap(), "--log", log.to_str().unwrap()];
    let output = doctor(&arguments, &properties);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("is not packed while the configuration does not load"),
        "{}",
        text(&output)
    );
    assert!(!bundle.exists());
}
