//! What somebody at a terminal wants to know once the service runs: where to look, and how to stop it.

use std::{io::IsTerminal, net::SocketAddr};

use crate::{client::reachable, config::sections::SourceKind, http::app::App};

/// Prints it to standard error, if that is a terminal.
pub(super) fn show(app: &App, address: SocketAddr) {
    if std::io::stderr().is_terminal() {
        eprint!("{}", text(app, address));
    }
}

fn text(app: &App, address: SocketAddr) -> String {
    let model = app.engine.model.load();
    let model = match model.as_deref() {
        Some(model) => format!("{} {}", model.info().name, model.info().version),
        None => "none is loaded: GET /health says why".to_owned(),
    };
    let source = &app.config.source;
    let source = match source.kind {
        SourceKind::Simulator => "simulator: the prices are made up".to_owned(),
        SourceKind::File => format!("files {}", source.files.join(" ")),
        SourceKind::Kafka => {
            format!("Kafka {}, topic {}", app.config.kafka.bootstrap_servers, app.config.kafka.topic_raw)
        }
        SourceKind::Live => format!("live feeds of {}", app.config.live.venues.join(", ")),
        SourceKind::None => "none: only rows are scored".to_owned(),
    };
    let shown = reachable(address);
    let host =
        if shown.ip().is_loopback() { format!("localhost:{}", shown.port()) } else { shown.to_string() };
    format!(
        "\n  Stormglass {version}\n\n  page    http://{host}/\n  API     http://{host}/docs\n  model   {model}\n  source  {source}\n\n  \
         Ctrl-C stops it.\n\n",
        version = env!("CARGO_PKG_VERSION"),
    )
}
