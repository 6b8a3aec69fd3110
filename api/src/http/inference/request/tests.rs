//! Requests as clients send them, as they should not, and as nobody would.

use model::schema::FeatureName;
use proptest::prelude::*;

use super::*;
use crate::config::sections::{MissingPolicy, UnknownPolicy};

const WIDTH: usize = 2;
const ROWS_MAX: usize = 3;

fn features() -> [FeatureName; WIDTH] {
    [FeatureName::new("a", 1), FeatureName::new("b", 2)]
}

fn with_rules<T>(missing: MissingPolicy, unknown: UnknownPolicy, run: impl FnOnce(RowRules<'_>) -> T) -> T {
    let features = features();
    run(RowRules { features: &features, missing, unknown, rows_max: ROWS_MAX, doubles: true })
}

fn read_strictly(body: &[u8], header_length: Option<&str>) -> Result<Request, Problem> {
    with_rules(MissingPolicy::Error, UnknownPolicy::Error, |rules| {
        read(body, header_length.map(str::as_bytes), rules)
    })
}

fn joined(json: &str, data: &[u8]) -> (Vec<u8>, String) {
    ([json.as_bytes(), data].concat(), json.len().to_string())
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn whole_rows_and_columns_and_bare_bytes_give_the_same_rows() {
    let expected = [1.0, 2.0, 3.0, 4.5];
    let line = r#"{"inputs":[{"name":"input__0","shape":[2,2],"datatype":"FP64","data":[1,2,3,4.5]}]}"#;
    let columns = r#"{"inputs":[{"name":"b","shape":[2],"datatype":"FP32","data":[2,4.5]},
                                {"name":"a@1","shape":[2,1],"datatype":"INT16","data":[[1],[3]]}]}"#;
    for body in [line, columns] {
        let read = read_strictly(body.as_bytes(), None).unwrap();
        assert_eq!((&*read.rows.values, read.rows.count), (&expected[..], 2), "{body}");
        assert_eq!(read.outputs, [Wanted { name: OUTPUT, binary: false }]);
    }
    let whole = r#"{"inputs":[{"name":"input__0","shape":[2,2],"datatype":"FP64","parameters":{"binary_data_size":32}}]}"#;
    let columns = r#"{"inputs":[{"name":"b","shape":[2],"datatype":"FP64","parameters":{"binary_data_size":16}},
                                {"name":"a","shape":[2],"datatype":"UINT8","parameters":{"binary_data_size":2}}]}"#;
    for (json, data) in [(whole, doubles(&expected)), (columns, [doubles(&[2.0, 4.5]), vec![1, 3]].concat())]
    {
        let (body, length) = joined(json, &data);
        assert_eq!(read_strictly(&body, Some(&length)).unwrap().rows.values, expected, "{json}");
    }
    let read = read_strictly(&doubles(&expected), Some("0")).unwrap();
    assert_eq!(
        (&*read.rows.values, &*read.outputs),
        (&expected[..], &[Wanted { name: OUTPUT, binary: true }][..])
    );
}

#[test]
fn outputs_come_as_they_are_asked_for() {
    let ask = |rest: &str| {
        let json = format!(
            r#"{{"id":"x","inputs":[{{"name":"input__0","shape":[2],"datatype":"FP64","data":[1,2]}}]{rest}}}"#
        );
        read_strictly(json.as_bytes(), None)
    };
    let read =
        ask(r#","parameters":{"binary_data_output":true,"other":1},"outputs":[{"name":"treeshap_output"},
                    {"name":"output__0","parameters":{"binary_data":false}}]"#)
        .unwrap();
    let expected = [Wanted { name: TREESHAP_OUTPUT, binary: true }, Wanted { name: OUTPUT, binary: false }];
    assert_eq!((read.id.as_deref(), &*read.outputs), (Some("x"), &expected[..]));
    for (rest, word) in [
        (r#","outputs":[{"name":"no"}]"#, "output \\\"no\\\" is unknown"),
        (r#","outputs":[{"name":"output__0"},{"name":"output__0"}]"#, "twice"),
        (
            r#","outputs":[{"name":"output__0","parameters":{"classification":2}}]"#,
            "classification is not supported",
        ),
        (
            r#","outputs":[{"name":"output__0","parameters":{"shared_memory_region":"x"}}]"#,
            "shared_memory_region",
        ),
    ] {
        let refused = format!("{:?}", ask(rest).unwrap_err());
        assert!(refused.contains(word), "{word} is not in {refused}");
    }
}

#[test]
fn sizes_that_do_not_agree_are_refused_before_data_is_read() {
    let input = |shape: &str, size: &str, datatype: &str| {
        format!(
            r#"{{"inputs":[{{"name":"input__0","shape":{shape},"datatype":"{datatype}","parameters":{{"binary_data_size":{size}}}}}]}}"#
        )
    };
    for (json, data, word) in [
        (input("[1,2]", "8", "FP64"), 8, "binary_data_size is 8; FP64 of shape [1, 2] has 16"),
        (input("[1,2]", "16", "FP64"), 15, "only 15 are left"),
        (input("[1,2]", "16", "FP64"), 17, "1 bytes follow"),
        (input("[1,2]", "18446744073709551615", "FP64"), 16, "binary_data_size is 18446744073709551615"),
        (input("[18446744073709551615,2]", "16", "FP64"), 16, "18446744073709551615 rows"),
        (input("[9223372036854775809,2]", "16", "FP64"), 16, "9223372036854775809 rows"),
        (input("[4,2]", "64", "FP64"), 64, "4 rows; send 1 to 3"),
        (input("[0,2]", "0", "FP64"), 0, "0 rows"),
        (input("[1,3]", "24", "FP64"), 24, "shape [1, 3]; send [rows, 2]"),
        (input("[]", "0", "FP64"), 0, "shape []"),
        (input("[1,1,2]", "16", "FP64"), 16, "shape [1, 1, 2]"),
        (input("[1,2]", "4", "FP16"), 4, "is not taken; send one of INT8"),
        (input("[1,2]", "-1", "FP64"), 0, "invalid value"),
        (input("[-1,2]", "16", "FP64"), 16, "invalid value"),
        (input("[1,2]", "null", "FP64"), 16, "and no binary_data_size"),
    ] {
        let (body, length) = joined(&json, &vec![0; data]);
        let refused = format!("{:?}", read_strictly(&body, Some(&length)).unwrap_err());
        assert!(refused.contains(word), "{word} is not in {refused}");
    }
    for (length, word) in [
        ("17", "body has 16"),
        ("x", "no number"),
        ("-1", "no number"),
        ("99999999999999999999", "no number"),
    ] {
        let refused = format!("{:?}", read_strictly(&[0; 16], Some(length)).unwrap_err());
        assert!(refused.contains(word), "{word} is not in {refused}");
    }
    let refused = format!("{:?}", read_strictly(&[0; 17], Some("0")).unwrap_err());
    assert!(refused.contains("16 bytes a row"), "{refused}");
    assert!(read_strictly(&[], Some("0")).is_err(), "no row at all");
}

#[test]
fn each_feature_at_fault_is_named() {
    let whole = |data: &str| {
        format!(r#"{{"inputs":[{{"name":"input__0","shape":[1,2],"datatype":"FP64","data":{data}}}]}}"#)
    };
    let column = |name: &str| format!(r#"{{"name":"{name}","shape":[1],"datatype":"FP64","data":[1]}}"#);
    let columns = |names: &[&str]| {
        let columns: Vec<String> = names.iter().map(|name| column(name)).collect();
        format!(r#"{{"inputs":[{}]}}"#, columns.join(","))
    };
    for (json, word) in [
        (whole("[1,null]"), "row 0: b@2 is missing"),
        (whole("[1e999,1]"), "row 0: a is not finite"),
        (columns(&["a"]), "b@2 is missing"),
        (columns(&["a", "b", "c"]), "c is not a feature"),
        (columns(&["a", "b", "a@1"]), "a@1 is given twice"),
        (columns(&["input__0", "b"]), "send it alone"),
        (columns(&[]), "there is no input"),
        ("{}".to_owned(), "missing field `inputs`"),
        ("[1]".to_owned(), "Invalid inference request"),
        (
            r#"{"inputs":[{"name":"input__0","shape":[2],"datatype":"FP64","data":[NaN,1]}]}"#.to_owned(),
            "row 0: a@1 is missing",
        ),
        (
            r#"{"inputs":[{"name":"input__0","shape":[2],"datatype":"FP64","data":[1,-Infinity]}]}"#
                .to_owned(),
            "row 0: b is not finite",
        ),
    ] {
        let refused = format!("{:?}", read_strictly(json.as_bytes(), None).unwrap_err());
        assert!(refused.contains(word), "{word} is not in {refused}");
    }
    let (body, length) = joined(
        r#"{"inputs":[{"name":"input__0","shape":[2],"datatype":"FP64","parameters":{"binary_data_size":16}}]}"#,
        &doubles(&[f64::NAN, f64::NEG_INFINITY]),
    );
    let refused = format!("{:?}", read_strictly(&body, Some(&length)).unwrap_err());
    for word in ["row 0: b is not finite", "field: \"a@1\""] {
        assert!(refused.contains(word), "{word} is not in {refused}");
    }
}

fn any_u64() -> impl Strategy<Value = u64> {
    prop_oneof![0..5_u64, Just(u64::MAX), Just(1 << 63), Just(1 << 61), any::<u64>()]
}

fn any_input() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("input__0"), Just("a"), Just("b"), Just("c")];
    let shape = prop::collection::vec(any_u64(), 0..4);
    let datatype = prop_oneof![Just("FP64"), Just("FP32"), Just("INT8"), Just("UINT64"), Just("BYTES")];
    let data = prop_oneof![
        any_u64().prop_map(|size| format!(r#""parameters":{{"binary_data_size":{size}}}"#)),
        prop::collection::vec(any::<i16>(), 0..8).prop_map(|values| format!(r#""data":{values:?}"#)),
        Just(r#""data":[[[[[1]]]]]"#.to_owned()),
    ];
    (name, shape, datatype, data).prop_map(|(name, shape, datatype, data)| {
        format!(r#"{{"name":"{name}","shape":{shape:?},"datatype":"{datatype}",{data}}}"#)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// What is read is bounded by the body: an announced size allocates nothing.
    #[test]
    fn any_sizes_over_any_bytes_are_read_or_refused(
        inputs in prop::collection::vec(any_input(), 0..4),
        data in prop::collection::vec(any::<u8>(), 0..80),
        off in -3_i64..4,
    ) {
        let json = format!(r#"{{"inputs":[{}]}}"#, inputs.join(","));
        let (body, _) = joined(&json, &data);
        let length = (json.len() as i64 + off).to_string();
        for missing in [MissingPolicy::Error, MissingPolicy::Nan] {
            let read = with_rules(missing, UnknownPolicy::Ignore, |rules| read(&body, Some(length.as_bytes()), rules));
            if let Ok(read) = read {
                prop_assert!(read.rows.count <= ROWS_MAX);
                prop_assert_eq!(read.rows.values.len(), read.rows.count * WIDTH);
                prop_assert!(read.rows.values.len() <= body.len());
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        body in prop::collection::vec(any::<u8>(), 0..200),
        length in prop::option::of(prop_oneof![Just("0".to_owned()), (0..300_u32).prop_map(|n| n.to_string()), any::<String>()]),
    ) {
        let read = read_strictly(&body, length.as_deref());
        prop_assert!(read.is_err() || body.len() >= 16);
    }
}
