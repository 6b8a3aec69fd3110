//! Other people's clients, as their users have them.

use std::time::Duration;

use api::config::sections::MissingPolicy;

use crate::support::{process::Process, python, service::Service};

/// The story fails where the packages are not there.
fn run(script: &str, address: std::net::SocketAddr) {
    python::run(script, &[address.to_string().as_ref()], "http");
}

const TOKEN: &str = "a-token-of-a-test";

#[test]
fn tritonclient_infers_in_json_and_binary_with_the_bits_of_predict() {
    let service = Service::plain();
    run("http/clients/triton.py", service.address);
}

#[test]
fn mlflows_own_scoring_client_is_answered() {
    let service = Service::plain();
    let tolerant = Service::with(|config| config.predict.missing = MissingPolicy::Nan);
    let addresses = [service.address, tolerant.address].map(|address| address.to_string());
    python::run("http/clients/mlflow_scoring.py", &addresses.each_ref().map(AsRef::as_ref), "http");
}

#[test]
fn the_openapi_document_is_valid_and_every_answer_fits_its_schema() {
    let service = Service::plain();
    run("http/clients/openapi.py", service.address);
}

#[test]
fn the_answers_of_a_live_service_fit_the_document_too() {
    let service = Process::serve(&[], |command| {
        command.env("STORMGLASS__SERVER__ADMIN_TOKEN", TOKEN);
    });
    service.get_until("/readyz", Duration::from_secs(60), |status, _| status == 200);
    python::run("http/clients/openapi.py", &[service.address.to_string().as_ref(), TOKEN.as_ref()], "http");
    run("http/clients/triton.py", service.address);
}
