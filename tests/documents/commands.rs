//! Commands of documents against what there is: subcommands and options, routes, suites, benches, services, files.

use std::process::Command as Process;

use api::http::endpoint::ENDPOINTS;

use super::{
    markdown::{Document, guides, root},
    shell::{Command, commands},
    words,
};

/// Other people's programs, whose arguments are theirs.
const OTHERS: [&str; 32] = [
    "amtool",
    "awk",
    "cat",
    "cd",
    "chmod",
    "cp",
    "df",
    "docker-compose",
    "echo",
    "exit",
    "git",
    "grep",
    "gzip",
    "head",
    "jq",
    "kafka-consumer-groups",
    "kafka-consumer-groups.sh",
    "kill",
    "ls",
    "mkdir",
    "mv",
    "openssl",
    "promtool",
    "python3",
    "rm",
    "rustup",
    "sed",
    "sleep",
    "sort",
    "true",
    "unset",
    "zcat",
];

/// What is wrong with the command of a document; nothing, where it exists.
pub(super) fn complaint(command: &Command) -> Option<String> {
    let split = command.words.iter().position(|word| !is_assignment(word)).unwrap_or(command.words.len());
    let (assignments, words) = command.words.split_at(split);
    let assigned = assignments.iter().find_map(|word| words::setting(word.split('=').next().unwrap()));
    if assigned.is_some() {
        return assigned;
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    program(&words)
}

fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn program(words: &[&str]) -> Option<String> {
    match words {
        [] => None,
        ["sudo" | "exec", rest @ ..] => program(rest),
        ["export", rest @ ..] => rest.iter().find_map(|word| words::setting(word.split('=').next().unwrap())),
        ["stormglass", arguments @ ..] => stormglass(arguments),
        ["cargo", arguments @ ..] => cargo(arguments),
        ["curl", arguments @ ..] => curl(arguments),
        ["docker", arguments @ ..] => docker(arguments),
        ["kubectl", arguments @ ..] => kubectl(arguments),
        ["tests/run.sh", arguments @ ..] => arguments.iter().find_map(|argument| suite(argument)),
        [first, ..] if OTHERS.contains(first) => None,
        [first, ..] if first.contains('/') => missing(first),
        _ => Some(format!("nobody knows the program {:?}", words[0])),
    }
}

/// The binary reads its whole command line before it prints help: what it does not know is an error.
fn stormglass(arguments: &[&str]) -> Option<String> {
    let redirected = arguments.iter().position(|word| word.starts_with(['>', '<']) || word.starts_with("2>"));
    let arguments = &arguments[..redirected.unwrap_or(arguments.len())];
    let mut command = Process::new(env!("CARGO_BIN_EXE_stormglass"));
    let output = command.env_clear().args(arguments).arg("--help").output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

fn cargo(arguments: &[&str]) -> Option<String> {
    let value = |option: &str| arguments.iter().skip_while(|word| **word != option).nth(1).copied();
    let manifests = || ["Cargo.toml", "api/Cargo.toml", "engine/Cargo.toml", "model/Cargo.toml"].map(text);
    let unnamed = |name: &str| {
        let named = format!("name = \"{name}\"");
        (!manifests().iter().any(|text| text.contains(&named)))
            .then(|| format!("no Cargo.toml names {name:?}"))
    };
    if let Some(profile) = value("--profile")
        && !text("Cargo.toml").contains(&format!("[profile.{profile}]"))
    {
        return Some(format!("no profile {profile}"));
    }
    match arguments {
        ["run", "--release", "--", arguments @ ..] => stormglass(arguments),
        ["install", ..] => match value("--path") {
            Some(path) => missing(&format!("{path}/Cargo.toml")),
            None => None,
        },
        ["deny", ..] => None,
        ["bench" | "test" | "build" | "check" | "clippy" | "doc" | "fmt" | "run" | "tree", ..] => {
            let names = ["-p", "--bench", "--example", "--test"].into_iter().filter_map(value);
            // A file below `tests/` or `benches/` of a crate names itself.
            let is_file = |name: &str| {
                ["model/tests", "model/benches", "model/examples", "engine/tests", "engine/examples"]
                    .iter()
                    .any(|folder| root().join(folder).join(format!("{name}.rs")).exists())
            };
            names.filter(|name| !is_file(name)).find_map(unnamed)
        }
        _ => Some(format!("cargo {arguments:?} is not checked")),
    }
}

fn curl(arguments: &[&str]) -> Option<String> {
    let address = |word: &&&str| word.contains("localhost") || word.contains("HOST:") || word.contains("://");
    let Some(url) = arguments.iter().find(address) else { return Some("no address".to_owned()) };
    let (host, path) = match url.split_once("://").map_or(*url, |(_, rest)| rest).split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (url.split_once("://").map_or(*url, |(_, rest)| rest), "/".to_owned()),
    };
    let port = host.rsplit(':').next().unwrap_or_default();
    match port {
        "8000" => {
            let has_body = arguments.iter().any(|word| ["-d", "--data-binary"].contains(word));
            let method = arguments.iter().skip_while(|word| **word != "-X").nth(1);
            route(method.copied().unwrap_or(if has_body { "POST" } else { "GET" }), &path)
        }
        // Prometheus, Alertmanager, Grafana.
        "9090" | "9093" | "3000" => None,
        _ if url.starts_with("https://") => None,
        _ => Some(format!("nothing listens on {host}")),
    }
}

/// What is wrong with a method and a path; nothing, where an endpoint answers.
pub(super) fn route(method: &str, path: &str) -> Option<String> {
    let path = path.split('?').next().unwrap_or_default();
    let asked: Vec<&str> = path.split('/').collect();
    let matches = |label: &str| {
        let segments: Vec<&str> = label.split('/').collect();
        let is_same =
            |(known, asked): (&&str, &&str)| known.starts_with('{') && !asked.is_empty() || known == asked;
        segments.len() == asked.len() && segments.iter().zip(&asked).all(is_same)
    };
    let answers = ENDPOINTS.iter().any(|e| e.method.as_str() == method && matches(e.route.label()));
    (!answers).then(|| format!("no endpoint answers {method} {path}"))
}

fn suite(name: &str) -> Option<String> {
    if ["--long", "--help"].contains(&name) {
        return None;
    }
    let script = text("tests/run.sh");
    let list = script.split_once("every=(").and_then(|(_, rest)| rest.split(')').next()).unwrap();
    (!list.split_whitespace().any(|known| known == name)).then(|| format!("tests/run.sh has no suite {name}"))
}

fn docker(arguments: &[&str]) -> Option<String> {
    let compose = text("deploy/compose.yaml");
    let is_service = |name: &str| compose.lines().any(|line| line == format!("  {name}:"));
    let is_container = |name: &str| compose.contains(&format!("container_name: {name}\n"));
    match arguments {
        ["compose", "--profile", profile, rest @ ..] => {
            let known = compose.contains(&format!("profiles: [{profile}]"));
            if known { docker(&[&["compose"], rest].concat()) } else { Some(format!("no profile {profile}")) }
        }
        ["compose", "exec", options @ ..] => {
            let at = options.iter().position(|word| !word.starts_with('-'))?;
            if !is_service(options[at]) {
                return Some(format!("compose.yaml has no service {}", options[at]));
            }
            inside(options[at], &options[at + 1..])
        }
        [
            "compose",
            "up" | "restart" | "stop" | "start" | "logs" | "ps" | "down" | "cp" | "build" | "pull",
            rest @ ..,
        ] => {
            let services = rest.iter().filter(|word| word.chars().all(|c| c.is_ascii_lowercase()));
            services.filter(|name| !is_service(name)).map(|name| format!("no service {name}")).next()
        }
        ["exec", options @ ..] => {
            let at = options.iter().position(|word| !word.starts_with('-'))?;
            if !is_container(options[at]) {
                return Some(format!("compose.yaml has no container {}", options[at]));
            }
            inside(options[at], &options[at + 1..])
        }
        ["logs" | "inspect" | "stats" | "stop", .., name] if !is_container(name) => {
            Some(format!("compose.yaml has no container {name}"))
        }
        ["build" | "run" | "ps" | "logs" | "inspect" | "stats" | "stop" | "compose", ..] => None,
        _ => Some(format!("docker {arguments:?} is not checked")),
    }
}

/// A command inside a container. Ours has the binary and the tools of a slim Debian, no curl.
fn inside(container: &str, command: &[&str]) -> Option<String> {
    match (container, command) {
        ("api" | "volatility-api", ["stormglass" | "cat" | "env" | "df" | "ls", ..]) => {
            program_or_tool(command)
        }
        ("api" | "volatility-api", _) => Some(format!("the image has no {:?}", command.first())),
        ("kafka", [first, ..]) if first.starts_with("/opt/kafka/bin/") => None,
        ("prometheus" | "alertmanager", ["cat" | "promtool" | "amtool" | "kill", ..]) => None,
        _ => Some(format!("{command:?} in {container} is not checked")),
    }
}

fn program_or_tool(command: &[&str]) -> Option<String> {
    if command[0] == "stormglass" { program(command) } else { None }
}

fn kubectl(arguments: &[&str]) -> Option<String> {
    let folder = root().join("deploy/kubernetes");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let manifests: String = files
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    if let Some(at) = arguments.iter().position(|word| *word == "-f")
        && let Some(wrong) = missing(arguments[at + 1])
    {
        return Some(wrong);
    }
    for word in arguments.iter().take_while(|word| **word != "--") {
        let name = word.strip_suffix("-0").or_else(|| Some(word.split_once("statefulset/")?.1));
        if let Some(name) = name
            && !manifests.contains(&format!("name: {name}\n"))
        {
            return Some(format!("no manifest names {name}"));
        }
    }
    match arguments.iter().position(|word| *word == "--") {
        Some(at) => inside("api", &arguments[at + 1..]),
        None => None,
    }
}

fn missing(path: &str) -> Option<String> {
    (!root().join(path).exists()).then(|| format!("{path} does not exist"))
}

fn text(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// What is wrong with the commands of a document, by line.
pub(super) fn complaints(document: &Document) -> (usize, Vec<String>) {
    let (mut count, mut wrong) = (0, Vec::new());
    for block in document.blocks() {
        if block.kind.split(' ').next() != Some("sh") {
            continue;
        }
        if !matches!(block.kind.as_str(), "sh" | "sh no_run") {
            wrong.push(format!(
                "{}:{}: a block is `sh` or `sh no_run`, not {:?}",
                document.name, block.line, block.kind
            ));
        }
        for command in commands(&block.text) {
            count += 1;
            if let Some(complaint) = complaint(&command) {
                let line = block.line + 1 + command.line;
                wrong.push(format!("{}:{line}: {}\n    {complaint}", document.name, command.words.join(" ")));
            }
        }
    }
    (count, wrong)
}

#[test]
fn every_command_in_a_document_exists() {
    let (mut count, mut wrong) = (0, Vec::new());
    for document in guides() {
        let (counted, complaints) = complaints(&document);
        count += counted;
        wrong.extend(complaints);
    }
    println!("{count} commands");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 150, "{count} commands");
}

#[test]
fn a_command_that_is_not_there_is_found() {
    let document =
        |command: &str| Document { name: "x".to_owned(), text: format!("```sh\n{command}\n```\n") };
    for sound in [
        "stormglass serve --source none",
        "cargo run --release -- serve",
        "curl 'localhost:8000/predict/BTC-USD?horizon_s=60'",
        "curl localhost:8000/predict -d '{}'",
        "cd deploy && docker compose exec api stormglass doctor",
        "kubectl -n stormglass exec stormglass-0 -- stormglass doctor",
        "MODEL_PATH=x STORMGLASS__SERVER__LISTEN=y stormglass serve",
        "tests/run.sh --long http",
        "cargo bench -p stormglass --bench shard",
    ] {
        assert_eq!(complaints(&document(sound)), (complaints(&document(sound)).0, Vec::new()), "{sound}");
    }
    for broken in [
        "stormglass srve",
        "stormglass serve --sorce none",
        "stormglass load-test --rate soon",
        "cargo run --release -- serve --ports 1",
        "curl localhost:8000/prediction/BTC-USD",
        "curl -X POST localhost:8000/health",
        "curl localhost:8001/health",
        "docker compose exec app stormglass doctor",
        "docker compose exec api curl localhost:8000/health",
        "docker logs volatility",
        "kubectl -n stormglass exec glass-0 -- stormglass doctor",
        "kubectl apply -f deploy/kubernetes/none.yaml",
        "STORMGLASS__SERVER__LISTNE=x stormglass serve",
        "MODEL_PAHT=x stormglass serve",
        "tests/run.sh htpp",
        "cargo bench -p stormglass --bench shards",
        "benches/none.sh",
        "frobnicate",
        "echo $(stormglass srve)",
    ] {
        assert_eq!(complaints(&document(broken)).1.len(), 1, "{broken}");
    }
}
