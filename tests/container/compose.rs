//! compose.yaml: read as a document, and its service run as it stands.

use std::{path::Path, process::Command};

use engine::sys;
use serde_json::{Value, json};

use super::{
    docker::{ask_own_engine, check, docker, free_address, image, said, try_get, wait, words},
    files::{self, list},
};

const FILE: &str = "deploy/compose.yaml";

/// `docker compose` as a plugin, or the older program.
fn compose() -> Command {
    let mut plugin = Command::new("docker");
    plugin.args(["compose", "version"]);
    let mut command = if plugin.output().is_ok_and(|output| output.status.success()) {
        let mut command = Command::new("docker");
        command.arg("compose");
        command
    } else {
        Command::new("docker-compose")
    };
    command.current_dir(files::path("deploy"));
    command
}

/// `${NAME:-default}`, and the same with `-` alone, as it is where nothing is set.
fn where_nothing_is_set(text: &str) -> String {
    let Some((before, rest)) = text.split_once("${") else { return text.to_owned() };
    let (inside, after) = rest.split_once('}').unwrap();
    let default = inside.split_once('-').map_or("", |(_, default)| default);
    format!("{before}{default}{}", where_nothing_is_set(after))
}

#[test]
fn compose_reads_it() {
    let services = said(compose().args(["config", "--services"]));
    assert!(["api", "feed", "kafka"].iter().all(|name| services.contains(name)), "{services}");
}

#[test]
fn its_service_is_the_hardened_one() {
    let file = files::document(FILE);
    let api = &file["services"]["api"];
    assert_eq!(api["container_name"], "volatility-api");
    assert_eq!(file["services"]["kafka"]["container_name"], "kafka");
    assert_eq!(api["read_only"], true);
    assert!(list(&api["security_opt"]).contains(&json!("seccomp:seccomp.json")), "{api}");
    assert!(api["ulimits"]["memlock"].as_u64().unwrap() >= 512 * 1024);
    assert!(
        api["ulimits"]["nofile"].as_u64().unwrap()
            > files::configuration(None, &[]).server.connections_max as u64
    );
    assert_eq!(api["depends_on"]["kafka"]["condition"], "service_healthy");
    assert_eq!(api["build"]["dockerfile"], "deploy/Dockerfile");
    let healthcheck = files::dockerfile("HEALTHCHECK").split_once("CMD ").unwrap().1.to_owned();
    let in_image: Vec<Value> = serde_json::from_str(&healthcheck).unwrap();
    assert_eq!(list(&api["healthcheck"]["test"])[1..], in_image);
    for (name, service) in file["services"].as_object().unwrap() {
        assert_eq!(service["cap_drop"], json!(["ALL"]), "{name}");
        assert!(list(&service["security_opt"]).contains(&json!("no-new-privileges:true")), "{name}");
        assert!(service["healthcheck"]["test"].is_array(), "{name} has no health check");
        let image = where_nothing_is_set(service["image"].as_str().unwrap());
        assert!(image.split_once(':').is_some_and(|(_, tag)| !tag.is_empty()), "{name}: {image} has no tag");
        // The broker's releases and the service are for the network; what only people look at stays on this host.
        for port in list(&service["ports"]).iter().map(|port| port.as_str().unwrap()) {
            assert!(name == "api" || port.starts_with("127.0.0.1:"), "{name} publishes {port}");
        }
    }
}

#[test]
fn its_settings_are_settings_and_its_grace_is_longer_than_the_drain() {
    let file = files::document(FILE);
    let api = &file["services"]["api"];
    let variables: Vec<(String, String)> = api["environment"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), where_nothing_is_set(value.as_str().unwrap())))
        .collect();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let config = files::configuration(None, &variables);
    let kafka = &file["services"]["kafka"]["environment"];
    let servers = &config.kafka.bootstrap_servers;
    assert!(config.kafka.has_brokers());
    assert!(kafka["KAFKA_ADVERTISED_LISTENERS"].as_str().unwrap().contains(&format!("INSIDE://{servers}")));
    assert_eq!(config.kafka.instance, "api-1");
    assert_eq!(
        list(&api["ports"])[0].as_str().map(where_nothing_is_set),
        Some("0.0.0.0:8000:8000".to_owned())
    );
    assert_eq!(config.server.listen.port(), 8000);
    let grace: f64 = api["stop_grace_period"].as_str().unwrap().trim_end_matches('s').parse().unwrap();
    assert!(grace > config.server.drain_timeout_s.duration().as_secs_f64());
    let state = config.kafka.state_directory.as_deref().and_then(Path::to_str).unwrap();
    assert!(list(&api["volumes"]).iter().any(|volume| volume == &json!(format!("state:{state}"))), "{api}");
}

#[test]
fn its_feed_is_marked_as_simulated_and_another_source_by_one_variable() {
    let feed = &files::document(FILE)["services"]["feed"];
    let command: Vec<String> =
        list(&feed["command"]).iter().map(|word| where_nothing_is_set(word.as_str().unwrap())).collect();
    assert_eq!(command, ["record", "--source", "simulator", "--to", "kafka", "--allow-simulated"]);
    assert_eq!(list(&feed["command"])[2], "${FEED_SOURCE:-simulator}");
    assert_eq!(feed["depends_on"]["kafka"]["condition"], "service_healthy");
    assert_eq!(feed["read_only"], true);
}

#[test]
fn every_mount_has_its_source() {
    let file = files::document(FILE);
    for (name, service) in file["services"].as_object().unwrap() {
        for volume in list(&service["volumes"]) {
            let volume = where_nothing_is_set(volume.as_str().unwrap());
            let (source, _) = volume.split_once(':').unwrap();
            match source.strip_prefix("./") {
                // The site's own.
                Some("models") => {}
                Some(path) => {
                    assert!(files::path("deploy").join(path).exists(), "{name}: {source} is not there")
                }
                None => {
                    assert!(file["volumes"].as_object().unwrap().contains_key(source), "{name}: {source}")
                }
            }
        }
    }
    // What the monitoring services read, by the paths they are told.
    assert!(files::path("deploy/grafana/dashboards/stormglass.json").exists());
    let provider = files::document("deploy/grafana/provisioning/dashboards/files.yaml");
    assert_eq!(provider["providers"][0]["options"]["path"], "/etc/grafana/dashboards");
    let source = files::document("deploy/grafana/provisioning/datasources/prometheus.yaml");
    assert_eq!(source["datasources"][0]["url"], "http://prometheus:9090");
    let prometheus = files::document("deploy/prometheus/prometheus.yml");
    let service =
        list(&prometheus["scrape_configs"]).iter().find(|job| job["job_name"] == "stormglass").unwrap();
    assert_eq!(service["static_configs"][0]["targets"], json!(["api:8000"]));
}

/// The project, taken down with the test.
struct Project {
    models: tempfile::TempDir,
    port: u16,
}

impl Project {
    fn command(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
        let mut command = compose();
        ask_own_engine(&mut command)
            .env("STORMGLASS_IMAGE", image())
            .env("STORMGLASS_MODELS", self.models.path())
            .env("KAFKA_BOOTSTRAP_SERVERS", "")
            .env("API_ADDRESS", "127.0.0.1")
            .env("API_PORT", self.port.to_string())
            .envs(variables.iter().copied())
            .args(["-p", "stories"])
            .args(arguments);
        command
    }

    /// The version that answers, once `enough` accepts it.
    fn version(&self, enough: impl Fn(&Value) -> bool) -> Value {
        let mut version = Value::Null;
        wait("/version", || {
            let answer = try_get(([127, 0, 0, 1], self.port).into(), "/version").unwrap_or_default();
            version = serde_json::from_str(&answer.1).unwrap_or_default();
            let log = || words(&docker(&["logs", "volatility-api"]).output().unwrap());
            check(enough(&version), || format!("{answer:?}; {}", log()))
        });
        version
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = self.command(&[], &["down", "-v"]).output();
    }
}

#[test]
fn its_service_runs_as_it_stands_and_rolls_back_to_the_baseline_by_one_variable() {
    let project = Project { models: tempfile::tempdir().unwrap(), port: free_address().port() };
    let up = ["up", "-d", "--no-deps", "--no-build", "api"];
    said(&mut project.command(&[], &up));
    let version = project.version(|version| version["model_variant"] == "ml");
    if sys::probe_uring().is_ok() {
        // The profile beside the file was found and let io_uring through.
        assert_eq!(version["runtime"], "glommio", "{version}");
    }
    let inspected = said(&mut docker(&["inspect", "volatility-api"]));
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    let host = &inspected[0]["HostConfig"];
    assert_eq!((&host["ReadonlyRootfs"], &host["CapDrop"]), (&json!(true), &json!(["ALL"])));
    assert!(
        words(&docker(&["exec", "volatility-api", "touch", "/var/lib/stormglass/x"]).output().unwrap())
            .is_empty()
    );

    said(&mut project.command(&[("MODEL_VARIANT", "baseline")], &up));
    let version = project.version(|version| version["model_variant"] == "baseline");
    assert_eq!(version["variant_source"], "environment MODEL_VARIANT", "{version}");
    said(&mut project.command(&[], &["stop"]));
    assert_eq!(said(&mut docker(&["inspect", "--format", "{{.State.ExitCode}}", "volatility-api"])), "0");
}
