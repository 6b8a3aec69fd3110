//! A file of a model that is in use is overwritten, cut short or removed where it lies: what was loaded goes on.

use std::{
    fs::{self, File, OpenOptions},
    io::{Seek, SeekFrom, Write},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use model::Model;
use serde_json::{Value, json};

use super::activation::{Folder, WARM, bits, change, get, offline, over, question};
use crate::support::{client::Connection, fixtures::small_version_bytes, process::Process};

type Change = (&'static str, fn(&Path));

/// Changes in place that operators and tools make to a file, with their names.
const CHANGES: [Change; 4] = [
    ("other bytes of the same length", |path| {
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        let length = file.metadata().unwrap().len();
        file.seek(SeekFrom::Start(1_024)).unwrap();
        let noise: Vec<u8> = (0..length - 1_024).map(|at| (at * 131 + at / 7) as u8).collect();
        file.write_all(&noise).unwrap();
    }),
    ("the bytes of another model", |path| {
        fs::write(path, small_version_bytes("another", "9", 3.0)).unwrap();
    }),
    ("no bytes", |path| OpenOptions::new().write(true).open(path).unwrap().set_len(0).unwrap()),
    ("no file", |path| fs::remove_file(path).unwrap()),
];

/// A service's answers to rows and about a symbol.
fn said(service: &Process, question: &str) -> (Vec<u64>, Value, Value) {
    let rows = Connection::open(service.address).post("/predict", question.as_bytes());
    assert_eq!(rows.status, 200, "{}", rows.text());
    let model = get(service, "/predict/BTC-USD")["model"].clone();
    (bits(&rows.json()["scores"]), model["sha256"].clone(), get(service, "/version")["model_sha256"].clone())
}

/// Changes the file of the model that answers in every way, one after the other.
fn check(service: Process, path: &Path, model: &Model) {
    let (question, rows) = question();
    let sha256 = json!(model.info().sha256);
    let expected = (offline(model, &rows), sha256.clone(), sha256);
    assert_eq!(said(&service, &question), expected);
    for (what, change) in CHANGES {
        change(path);
        for _ in 0..20 {
            assert_eq!(said(&service, &question), expected, "{what}");
        }
        assert_eq!(get(&service, "/health")["status"], "healthy", "{what}");
    }
    assert!(service.terminate().success());
}

fn warm(service: &Process) {
    service.get_until("/predict/BTC-USD", WARM, |status, body| {
        status == 200 && serde_json::from_str::<Value>(body).unwrap()["status"] == "ok"
    });
}

#[test]
fn a_configured_model_outlives_every_change_of_its_file() {
    let folder = Folder::new();
    let model = folder.open("one");
    let service = Process::serve(&["--speed", "20"], |command| {
        over(&folder, false)(command);
        command.env("MODEL_PATH", folder.file("one"));
    });
    warm(&service);
    check(service, &folder.file("one"), &model);
}

#[test]
fn an_activated_model_outlives_every_change_of_its_file() {
    let folder = Folder::new();
    let model = folder.open("two");
    let service = Process::serve(&["--speed", "20"], |command| {
        over(&folder, false)(command);
        command.env("MODEL_PATH", folder.file("one"));
    });
    warm(&service);
    change(&service, "POST", "/models/two/activate", r#"{"max_flip_rate":1}"#);
    check(service, &folder.file("two"), &model);
}

/// Beside the record lies the copy that a start takes, and it is no more mapped than the file that it came from.
#[test]
fn a_recorded_model_outlives_every_change_of_its_copy() {
    let folder = Folder::new();
    let model = folder.open("two");
    let service = Process::serve(&["--speed", "20"], |command| {
        over(&folder, true)(command);
        command.env("MODEL_PATH", folder.file("one"));
    });
    warm(&service);
    change(&service, "POST", "/models/two/activate", r#"{"max_flip_rate":1}"#);
    let copy = folder.record().with_extension("json.d").join(format!("{}.sgm", model.info().sha256));
    check(service, &copy, &model);
}

/// Only above `model.map_above_bytes` a file is mapped where it lies, and the log says what must not be done to it.
#[test]
fn a_file_that_is_mapped_where_it_lies_is_told_with_its_size_and_the_rule() {
    let folder = Folder::new();
    let path = folder.file("one");
    let length = fs::metadata(&path).unwrap().len();
    for (above, is_told) in [(length, false), (length - 1, true)] {
        let service = Process::serve(&["--source", "none"], |command| {
            over(&folder, false)(command);
            command.env("MODEL_PATH", &path).env("STORMGLASS__MODEL__MAP_ABOVE_BYTES", above.to_string());
        });
        service.get_until("/version", WARM, |status, _| status == 200);
        let lines = service.log_lines();
        let told = lines.iter().find(|line| line.contains("mapped where it lies"));
        assert_eq!(told.is_some(), is_told, "{lines:?}");
        if let Some(line) = told {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = line.to_string();
            assert_eq!(line["level"].as_str().map(str::to_lowercase).as_deref(), Some("warn"), "{text}");
            assert!(text.contains(path.to_str().unwrap()) && text.contains(&length.to_string()), "{text}");
            assert!(text.contains("replace it by rename"), "{text}");
        }
    }
}

/// A reader that meets a writer gets one whole model, or an error that names the file.
#[test]
fn a_file_that_is_written_while_it_is_read_is_whole_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.sgm");
    let models = [("aaa", -1.5), ("bbb", 2.5)].map(|(name, base)| small_version_bytes(name, "1", base));
    assert_eq!(models[0].len(), models[1].len());
    fs::write(&path, &models[0]).unwrap();
    let whole = models.each_ref().map(|bytes| Model::from_bytes(bytes).unwrap().info().sha256.clone());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = File::options().write(true).open(&path).unwrap();
            for bytes in models.iter().cycle() {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                file.rewind().unwrap();
                for piece in bytes.chunks(512) {
                    file.write_all(piece).unwrap();
                }
            }
        });
        let (mut taken, mut refused) = (0, 0);
        // Until a reader has met the writer: that takes as many tries as the machine wants.
        while refused < 20 && taken + refused < 200_000 {
            match Model::open(&path) {
                Ok(model) => {
                    assert!(whole.contains(&model.info().sha256), "half a model was taken");
                    taken += 1;
                }
                Err(error) => {
                    assert!(error.to_string().contains("model.sgm"), "{error}");
                    refused += 1;
                }
            }
        }
        is_over.store(true, Ordering::Relaxed);
        println!("{taken} taken, {refused} refused");
        assert!(refused > 0, "no reader met the writer");
    });
}
