//! Drift: the columns that Evidently finds are the ones found here, from files as people have them, and nothing is
//! hidden.

use std::{
    ffi::{OsStr, OsString},
    io::Read,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use api::{
    cli,
    export::{RowOrder, TableWriter},
    training,
};
use engine::{features::FEATURE_COUNT, offline::Offline, sim::SimConfig, state::StateSettings};
use serde_json::Value;

use crate::support::{python, real_data::real_data};

fn run(arguments: &[&str]) -> (ExitCode, String) {
    let mut out = Vec::new();
    let command = ["stormglass", "drift"].iter().chain(arguments).map(OsString::from);
    (cli::run(command, &mut out), String::from_utf8(out).unwrap())
}

fn report(arguments: &[&str]) -> Value {
    let (code, printed) = run(&[arguments, &["--json"]].concat());
    assert_eq!(code, ExitCode::SUCCESS, "{printed}");
    serde_json::from_str(&printed).unwrap()
}

fn column<'a>(report: &'a Value, name: &str) -> &'a Value {
    let columns = report["columns"].as_array().unwrap();
    columns.iter().find(|column| column["name"] == name).unwrap_or_else(|| panic!("no column {name}"))
}

fn golden(folder: &Path, name: &str) -> PathBuf {
    let packed = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/drift/");
    let packed = std::fs::File::open(format!("{packed}{name}.gz")).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Exit code and standard error of a command that is to be refused.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .env_clear()
        .arg("drift")
        .args(arguments)
        .output()
        .unwrap();
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

#[test]
fn from_csv_files_it_says_what_evidently_says_in_its_own_keys() {
    let folder = tempfile::tempdir().unwrap();
    for (rows, drift) in [(800, true), (5000, false)] {
        let [reference, current] =
            ["ref", "cur"].map(|side| golden(folder.path(), &format!("{side}_{rows}.csv")));
        let theirs: Value = serde_json::from_slice(
            &std::fs::read(golden(folder.path(), &format!("rep_{rows}.json"))).unwrap(),
        )
        .unwrap();
        let files = ["--reference", reference.to_str().unwrap(), "--current", current.to_str().unwrap()];
        let ours = report(&files);
        assert_eq!(ours["drift"], drift);
        let metrics = |report: &Value| report["metrics"].as_array().unwrap().clone();
        assert_eq!(metrics(&ours).len(), metrics(&theirs).len());
        for (our, their) in metrics(&ours).iter().zip(&metrics(&theirs)) {
            assert_eq!(our["metric_name"], their["metric_name"]);
            assert_eq!(our["config"], their["config"]);
            match their["value"].as_f64() {
                Some(value) => {
                    let difference = (our["value"].as_f64().unwrap() - value).abs();
                    assert!(difference <= 1e-11 * value + 1e-12, "{our} {value}");
                }
                None => assert_eq!(our["value"], their["value"]),
            }
        }
        let tests = |report: &Value| -> Vec<(Value, Value, Value)> {
            let test =
                |test: &Value| (test["name"].clone(), test["status"].clone(), test["description"].clone());
            report["tests"].as_array().unwrap().iter().map(test).collect()
        };
        assert_eq!(tests(&ours), tests(&theirs));
        // The second opinion stands beside it.
        let ofi = column(&ours, "ofi");
        assert_eq!(ofi["current"]["missing"], 6);
        assert_eq!(column(&ours, "spread_bps")["current"]["infinite"], 3);
        assert_eq!(ofi["second_opinion"]["effect_name"], "cliffs_delta");
        let code = run(&[&files[..], &["--fail-on-drift"]].concat()).0;
        assert_eq!(code, if drift { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        assert_eq!(run(&files).0, ExitCode::SUCCESS, "drift is a finding");
    }
}

/// The exported features of sixty real hours: the first thirty against the last thirty.
fn sixty_hours(folder: &Path) -> Option<PathBuf> {
    let input = real_data("bitmex_XBTUSD_trades_20180101_60h.csv.gz")?;
    let path = folder.join("rows.parquet");
    let arguments =
        ["stormglass", "features", "--input", input.to_str().unwrap(), "--output", path.to_str().unwrap()];
    assert_eq!(cli::run(arguments.map(OsString::from), &mut Vec::new()), ExitCode::SUCCESS);
    Some(path)
}

#[test]
fn sixty_real_hours_halves_are_told_with_what_a_reader_must_know() {
    let folder = tempfile::tempdir().unwrap();
    let Some(rows) = sixty_hours(folder.path()) else { return };
    let page = folder.path().join("drift.html");
    let rows = rows.to_str().unwrap();
    let (code, text) = run(&["--features", rows, "--output", page.to_str().unwrap()]);
    assert_eq!(code, ExitCode::SUCCESS);
    println!("{text}");
    assert!(
        text.contains("note: one file: its first half is the reference, its second, from 2018-01-02T06:00:"),
        "{text}"
    );
    // Trades alone: what needs quotes has no values, and is not counted.
    assert!(text.contains("spr_bp60 (no_values)"), "{text}");

    let report = report(&["--features", rows]);
    assert_eq!((&report["reference"]["rows"], &report["current"]["rows"]), (&21_599.into(), &21_600.into()));
    let judged = report["judged_columns"].as_u64().unwrap();
    let columns = report["columns"].as_array().unwrap();
    assert!(judged >= 20 && columns.len() == FEATURE_COUNT);
    for column in columns.iter().filter(|column| column["status"] == "judged") {
        let opinion = &column["second_opinion"];
        let counted = opinion["current_effective_rows"].as_f64().unwrap();
        assert!((1.0..=21_600.0).contains(&counted), "{column}");
        assert!(opinion["false_discovery_rate"].as_f64() >= opinion["p_value"].as_f64(), "{column}");
        let delta = opinion["effect"].as_f64().unwrap();
        assert!((-1.0..=1.0).contains(&delta) && delta.abs() <= opinion["gap"].as_f64().unwrap() * 2.0);
    }
    // Five minutes' volatility: rows five seconds apart are worth few.
    let slow = column(&report, "lv300_tau");
    assert!(slow["second_opinion"]["current_effective_rows"].as_f64().unwrap() < 1_000.0, "{slow}");

    let page = std::fs::read_to_string(&page).unwrap();
    assert!(page.len() < 200_000, "{} bytes", page.len());
    assert!(!page.contains("http") && !page.contains("<script"), "the page needs nothing from elsewhere");
    assert!(page.matches("<svg").count() > judged as usize);
}

#[test]
fn scipy_finds_the_same_numbers_in_the_exported_table() {
    let folder = tempfile::tempdir().unwrap();
    let Some(rows) = sixty_hours(folder.path()) else { return };
    let rows = rows.to_str().unwrap();
    let mut reports = vec![rows.to_owned()];
    for method in ["ks", "wasserstein", "anderson", "t_test", "mannw", "ed"] {
        let path = folder.path().join(format!("{method}.json"));
        let (code, said) = run(&["--features", rows, "--method", method, "--json", path.to_str().unwrap()]);
        assert_eq!(code, ExitCode::SUCCESS, "{said}");
        reports.push(path.to_str().unwrap().to_owned());
    }
    let arguments: Vec<&OsStr> = reports.iter().map(OsStr::new).collect();
    python::run("support/drift_peer.py", &arguments, "learn");
}

#[test]
fn a_models_own_reference_says_whether_a_table_is_what_it_learned_from() {
    let folder = tempfile::tempdir().unwrap();
    let Some(rows) = sixty_hours(folder.path()) else { return };
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/shipped/default.sgm");
    let page = folder.path().join("drift.html");
    let arguments = ["--model", model.to_str().unwrap(), "--current", rows.to_str().unwrap()];
    let report = report(&[&arguments[..], &["--output", page.to_str().unwrap()]].concat());
    let answers = column(&report, "(answers)");
    assert_eq!(answers["counted"], false);
    assert_eq!(answers["method"], "psi");
    let lv60 = column(&report, "lv60_tau");
    assert_eq!(lv60["current"]["rows"], 43_199);
    println!("answers: PSI {}, lv60_tau: PSI {}", answers["score"], lv60["score"]);
    // Most of its training were these very hours.
    assert!(answers["score"].as_f64().unwrap() < 0.25, "{answers}");
    let wrong = refused(&[&arguments[..], &["--method", "ks"]].concat());
    assert!(wrong.0 == Some(1) && wrong.1.contains("ks needs values"), "{wrong:?}");
}

/// The features of three simulated hours of the simulator's symbols, as `stormglass features` writes them.
fn simulated(folder: &Path, seed: u64) -> PathBuf {
    let path = folder.join(format!("{seed}.parquet"));
    let settings = StateSettings::default();
    let mut writer = TableWriter::create(&path, settings.label, false, 5).unwrap();
    let order = RowOrder::new(None, 5, |row| writer.push(row).expect("it is written"));
    let mut offline = Offline::new(settings, None, 64, order);
    training::simulate(SimConfig { seed, ..SimConfig::default() }, 3, &mut offline, |_| ());
    offline.out.finish();
    assert!(writer.finish().unwrap() > 3_000);
    path
}

/// Needs nothing recorded, and so runs everywhere.
#[test]
fn a_simulated_table_is_compared_with_its_half_another_and_a_models_training() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = [31, 32].map(|seed| simulated(folder.path(), seed).to_str().unwrap().to_owned());
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/shipped/default.sgm");
    let model = model.to_str().unwrap();
    let halves = report(&["--features", &first]);
    let both = report(&["--reference", &first, "--current", &second]);
    let trained = report(&["--model", model, "--current", &first]);
    assert!(halves["notes"].to_string().contains("its first half is the reference"), "{}", halves["notes"]);
    for (report, extra) in [(&halves, 0), (&both, 0), (&trained, 1)] {
        let columns = report["columns"].as_array().unwrap();
        assert_eq!(columns.len(), FEATURE_COUNT + extra);
        assert!(report["judged_columns"].as_u64().unwrap() >= 20, "{}", report["notes"]);
        // The answers, which are no column, move no feature's rate.
        let opinions: Vec<&Value> = columns
            .iter()
            .filter(|column| column["counted"] == true && !column["second_opinion"].is_null())
            .map(|column| &column["second_opinion"])
            .collect();
        let number = |opinion: &Value, key: &str| opinion[key].as_f64().unwrap();
        let p_values: Vec<f64> = opinions.iter().map(|opinion| number(opinion, "p_value")).collect();
        for (opinion, rate) in opinions.iter().zip(model::drift::false_discovery_rates(&p_values)) {
            assert!(
                (number(opinion, "false_discovery_rate") - rate).abs() <= 1e-12 * rate,
                "{opinion} {rate}"
            );
        }
    }
    let answers = column(&trained, "(answers)");
    assert_eq!((&answers["counted"], &answers["status"]), (&false.into(), &"judged".into()));
    assert_eq!(answers["current"]["rows"], trained["current"]["rows"]);
    let opinion = &answers["second_opinion"];
    assert_eq!(opinion["false_discovery_rate"], opinion["p_value"]);
    assert_eq!(column(&trained, "lv60_tau")["method"], "psi");
    // A table has not drifted from itself. Three hours of another seed are other hours: some columns differ, not all.
    let itself = report(&["--reference", &first, "--current", &first]);
    assert_eq!((&itself["drifted_columns"], &itself["shifted_columns"]), (&0.into(), &0.into()));
    let (shifted, judged) = (&both["shifted_columns"], &both["judged_columns"]);
    assert!(shifted.as_u64().unwrap() < judged.as_u64().unwrap(), "{shifted} of {judged}");
}

/// However far a side went, its rows are worth what they are worth around its own centre.
#[test]
fn what_has_wholly_left_its_reference_has_shifted() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, current: bool| {
        let mut text = "beyond,replaced,stuck,still\n".to_owned();
        for row in 0..400_u64 {
            // The order of a good multiplicative recurrence, which has no runs.
            let mixed = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            let (value, word) = (mixed as f64 / 1e6, mixed % 3);
            let (beyond, replaced, stuck) = if current {
                (value + 1_000.0, ["c", "d", "d"][word as usize], "c")
            } else {
                (value, ["a", "b", "b"][word as usize], ["a", "b", "b"][word as usize])
            };
            text += &format!("{beyond},{replaced},{stuck},{}\n", value + 0.25);
        }
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let report = report(&["--reference", &file("was.csv", false), "--current", &file("is.csv", true)]);
    for name in ["beyond", "replaced", "stuck"] {
        let opinion = &column(&report, name)["second_opinion"];
        assert!(opinion["current_effective_rows"].as_f64().unwrap() > 50.0, "{name}: {opinion}");
        assert_eq!(opinion["shifted"], true, "{name}: {opinion}");
    }
    assert_eq!(column(&report, "still")["second_opinion"]["shifted"], false);
}

#[test]
fn a_column_that_is_empty_on_one_side_refuses_no_report() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, words: bool, flags: bool| {
        let mut text = "a,word,flag\n".to_owned();
        for row in 0..30 {
            let word = if words { ["x", "y"][row % 2] } else { "" };
            let flag = if flags { ["true", "false"][row % 2] } else { "" };
            text += &format!("{row}.5,{word},{flag}\n");
        }
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (words, flags) = (file("words.csv", true, false), file("flags.csv", false, true));
    let report = report(&["--reference", &words, "--current", &flags]);
    assert_eq!(column(&report, "a")["status"], "judged");
    assert_eq!(column(&report, "word")["status"], "no_current_values");
    assert_eq!(column(&report, "flag")["status"], "no_reference_values");
    assert_eq!(report["judged_columns"], 1);
    assert_eq!(column(&report, "word")["current"]["missing"], 30);
    assert!(report["notes"].to_string().contains("word (0.0 % to 100.0 %)"), "{}", report["notes"]);
}

#[test]
fn columns_that_cannot_be_judged_are_named_and_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let table = |shift: usize| {
        let mut text = "a,constant,empty,gone,rare,word,text\n".to_owned();
        for row in 0..60 {
            let gone = if shift == 0 { "1.5" } else { "" };
            let rare = if row < 4 { "2.5" } else { "" };
            let word = ["x", "y"][row % 2];
            text += &format!("{}.5,7.5,,{gone},{rare},{word},note {}\n", row + shift, row + shift);
        }
        text
    };
    std::fs::write(path("a.csv"), table(0)).unwrap();
    std::fs::write(path("b.csv"), table(30)).unwrap();
    let (a, b) = (path("a.csv"), path("b.csv"));
    let report = report(&["--reference", a.to_str().unwrap(), "--current", b.to_str().unwrap()]);
    let statuses = [
        ("a", "judged"),
        ("constant", "constant"),
        ("empty", "no_values"),
        ("gone", "no_current_values"),
        ("rare", "too_few_values"),
        ("word", "judged"),
        ("text", "text"),
    ];
    for (name, status) in statuses {
        assert_eq!(column(&report, name)["status"], status, "{name}");
    }
    assert_eq!((&report["judged_columns"], &report["drifted_columns"]), (&3.into(), &1.into()));
    assert_eq!(column(&report, "gone")["missing_changed"], true);
    assert_eq!(column(&report, "a")["second_opinion"]["direction"], "higher");
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("gone (no_current_values)") && notes.contains("gone (0.0 % to 100.0 %)"),
        "{notes}"
    );
}

#[test]
fn what_cannot_be_compared_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let ab = file("ab.csv", "a,b\n1.5,2.5\n2.5,3.5\n");
    let a = file("a.csv", "a\n1.5\n2.5\n");
    let words = file("words.csv", "a,b\nx,1.5\ny,2.5\n");
    let nothing = file("nothing.csv", "a,b\n");
    let instant = file("instant.csv", "event_time,a\n5,1.5\n5,2.5\n");
    let binary = file("model.sgm", "no model");
    for (arguments, exit, says) in [
        (&["--reference", &ab, "--current", &a][..], 1, "a.csv: it has no column b; --columns"),
        (&["--reference", &ab, "--current", &words], 1, "words.csv: column a holds words, in"),
        (&["--reference", &nothing, "--current", &ab], 1, "nothing.csv: it has no rows"),
        (&["--features", &instant], 1, "its first half has no rows"),
        (&["--reference", &ab, "--current", &ab, "--columns", "z"], 1, "it has no column z"),
        (&["--reference", "/nowhere.csv", "--current", &ab], 1, "/nowhere.csv"),
        (&["--reference", &ab, "--current", "/dev/null"], 1, "/dev/null: it is no regular file"),
        (&["--model", &binary, "--current", &ab], 1, "model.sgm"),
        (&["--reference", &ab], 64, "--current"),
        (&["--features", &ab, "--current", &ab], 64, "cannot be used with"),
        (&["--current", &ab], 64, "required"),
        (&["--features", &ab, "--method", "tvd"], 64, "there are ks, wasserstein"),
        (&["--features", &ab, "--threshold", "0.2"], 64, "--method"),
        (&["--features", &ab, "--drift-share", "1.5"], 64, "is no share"),
    ] {
        let (code, said) = refused(arguments);
        assert!(code == Some(exit) && said.contains(says), "{arguments:?}: {code:?} {said}");
    }
}
