//! The manifests, as documents: they agree with each other, with the image, and with what the service serves.

use std::path::Path;

use serde_json::{Value, json};

use super::files::{self, list};

const INSTANCES: &str = "deploy/kubernetes/instances.yaml";

fn pod() -> Value {
    files::document(INSTANCES)["spec"]["template"]["spec"].clone()
}

/// Every object of the folder.
fn objects() -> Vec<Value> {
    let mut objects = Vec::new();
    for entry in std::fs::read_dir(files::path("deploy/kubernetes")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".yaml") {
            objects.extend(files::documents(&format!("deploy/kubernetes/{name}")));
        }
    }
    objects
}

fn named(kind: &str, name: &str) -> Value {
    let found = objects().into_iter().find(|o| o["kind"] == kind && o["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

#[test]
fn the_objects_are_those_and_select_the_same_pods() {
    let mut kinds: Vec<String> =
        objects().iter().map(|o| format!("{} {}", o["apiVersion"], o["kind"]).replace('"', "")).collect();
    kinds.sort();
    assert_eq!(
        kinds,
        ["apps/v1 StatefulSet", "policy/v1 PodDisruptionBudget", "v1 ConfigMap", "v1 Service", "v1 Service"]
    );
    let set = named("StatefulSet", "stormglass");
    let labels = &set["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&set["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&named("PodDisruptionBudget", "stormglass")["spec"]["selector"]["matchLabels"], labels);
    for service in ["stormglass", "stormglass-instances"] {
        let service = named("Service", service);
        assert_eq!(&service["spec"]["selector"], labels);
        assert_eq!(
            (&service["spec"]["ports"][0]["port"], &service["spec"]["ports"][0]["targetPort"]),
            (&json!(8000), &json!("http"))
        );
    }
    assert_eq!(named("Service", set["spec"]["serviceName"].as_str().unwrap())["spec"]["clusterIP"], "None");
}

#[test]
fn probes_ask_what_is_served_on_the_port_that_is_listened_on() {
    let pod = pod();
    let container = &pod["containers"][0];
    assert_eq!(container["ports"], json!([{"name": "http", "containerPort": 8000}]));
    let asked = |probe: &str| {
        let get = &container[probe]["httpGet"];
        assert_eq!(get["port"], "http");
        files::assert_is_a_probe(get["path"].as_str().unwrap());
        get["path"].as_str().unwrap().to_owned()
    };
    // A broker that is away must restart nobody, nor a model that is not there: /livez knows nothing of them.
    assert_eq!(
        [asked("startupProbe"), asked("readinessProbe"), asked("livenessProbe")],
        ["/livez", "/readyz", "/livez"]
    );
    let annotations = &files::document(INSTANCES)["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations["prometheus.io/port"], "8000");
    files::assert_is_a_probe(annotations["prometheus.io/path"].as_str().unwrap());
}

#[test]
fn the_pod_is_nobody_may_nothing_and_has_whole_processors() {
    let pod = pod();
    let container = &pod["containers"][0];
    let (user, group) = (&pod["securityContext"]["runAsUser"], &pod["securityContext"]["runAsGroup"]);
    assert_eq!(files::dockerfile("USER"), format!("{user}:{group}"));
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
    let resources = &container["resources"];
    assert_eq!(resources["requests"], resources["limits"]);
    resources["limits"]["cpu"].as_str().unwrap().parse::<u32>().expect("whole processors");
}

#[test]
fn its_configuration_is_read_and_its_drain_ends_before_the_grace() {
    let pod = pod();
    let container = &pod["containers"][0];
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    let map = named("ConfigMap", "stormglass");
    std::fs::write(file.path(), map["data"]["stormglass.toml"].as_str().unwrap()).unwrap();
    let variables: Vec<(String, String)> = list(&container["env"])
        .iter()
        .filter(|variable| variable["name"].as_str().unwrap().starts_with("STORMGLASS__"))
        .map(|variable| {
            (
                variable["name"].as_str().unwrap().to_owned(),
                variable["value"].as_str().unwrap().replace("$(POD)", "stormglass-0"),
            )
        })
        .collect();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let config = files::configuration(Some(file.path().to_path_buf()), &variables);
    assert_eq!(config.kafka.instance, "stormglass-0");
    assert_eq!(
        config.server.advertised_url.as_deref(),
        Some("http://stormglass-0.stormglass-instances:8000")
    );
    assert_eq!(config.server.listen.port(), 8000);
    let grace = pod["terminationGracePeriodSeconds"].as_f64().unwrap();
    assert!(grace > config.server.drain_timeout_s.duration().as_secs_f64());
    // Unready for at least as long as the probe needs to see it.
    let probe = &container["readinessProbe"];
    let seen_after = probe["periodSeconds"].as_f64().unwrap() * probe["failureThreshold"].as_f64().unwrap();
    assert!(config.server.shutdown_grace_s.duration().as_secs_f64() >= seen_after);
    // The file lies where the variable says, and the state where it may be written.
    let mounts = list(&container["volumeMounts"]);
    let mounted = |path: &str| mounts.iter().any(|mount| mount["mountPath"] == path);
    assert!(
        mounted(config.kafka.state_directory.as_deref().and_then(Path::to_str).unwrap())
            && mounted("/etc/stormglass")
    );
    let volumes = list(&pod["volumes"]).iter().map(|volume| &volume["name"]);
    let claims = files::document(INSTANCES)["spec"]["volumeClaimTemplates"].clone();
    let claimed = list(&claims).iter().map(|claim| &claim["metadata"]["name"]);
    let sources: Vec<&Value> = volumes.chain(claimed).collect();
    for mount in mounts {
        assert!(sources.contains(&&mount["name"]), "{mount} has no volume");
    }
}
