//! Finds the endpoint for a method and path.

use std::borrow::Cow;

use hyper::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{endpoint::ENDPOINTS, problem::Problem};

/// A path as the list of endpoints declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Exactly this path.
    Exact(&'static str),
    /// A path with a symbol, or a model's name, in one segment.
    Symbol {
        /// The route in documentation and metrics, `/predict/{symbol}`.
        label: &'static str,
        /// The path up to the symbol.
        before: &'static str,
        /// The path after the symbol.
        after: &'static str,
    },
    /// A path with a model's name and its version.
    Version {
        /// The route in documentation and metrics.
        label: &'static str,
        /// The path up to the name.
        before: &'static str,
        /// The path between name and version.
        between: &'static str,
        /// The path after the version.
        after: &'static str,
    },
}

/// A path's variable segments, still encoded; `None` if the route has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Segments<'a> {
    symbol: Option<&'a str>,
    version: Option<&'a str>,
}

impl Route {
    /// The route in documentation and metrics, `/predict/{symbol}`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Exact(path) => path,
            Self::Symbol { label, .. } | Self::Version { label, .. } => label,
        }
    }

    /// The path with this symbol in its segment.
    pub(super) fn with_symbol(self, symbol: &str) -> String {
        match self {
            Self::Symbol { before, after, .. } => format!("{before}{}{after}", encoded(symbol)),
            Self::Exact(label) | Self::Version { label, .. } => label.to_owned(),
        }
    }

    /// The variable segments of `path` if it matches this route.
    fn matches(self, path: &str) -> Option<Segments<'_>> {
        let is_segment = |text: &str| !text.is_empty() && !text.contains('/');
        match self {
            Self::Exact(exact) => (path == exact).then(Segments::default),
            Self::Symbol { before, after, .. } => {
                let symbol = path.strip_prefix(before)?.strip_suffix(after)?;
                is_segment(symbol).then_some(Segments { symbol: Some(symbol), version: None })
            }
            Self::Version { before, between, after, .. } => {
                let (name, version) = path.strip_prefix(before)?.strip_suffix(after)?.split_once(between)?;
                let both = is_segment(name) && is_segment(version);
                both.then_some(Segments { symbol: Some(name), version: Some(version) })
            }
        }
    }
}

/// The endpoint for a request.
#[derive(Debug)]
pub(super) struct Found<'a> {
    /// Index in [`ENDPOINTS`]; `None` if no endpoint has this path.
    pub(super) endpoint: Option<usize>,
    /// The path's segments, or the problem to answer instead.
    pub(super) segments: Result<Decoded<'a>, Problem>,
}

/// The variable segments of a path.
#[derive(Debug)]
pub(super) struct Decoded<'a> {
    /// The symbol or the model's name; empty if the route has none.
    pub(super) symbol: Cow<'a, str>,
    /// The model's version.
    pub(super) version: Option<Cow<'a, str>>,
}

impl<'a> Decoded<'a> {
    fn of(segments: Segments<'a>) -> Result<Self, Problem> {
        let symbol = decoded(segments.symbol.unwrap_or_default())?;
        Ok(Self { symbol, version: segments.version.map(decoded).transpose()? })
    }
}

/// Finds the endpoint. HEAD is served by GET.
pub(super) fn find<'a>(method: &Method, path: &'a str) -> Found<'a> {
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    let mut other_method = None;
    for (index, endpoint) in ENDPOINTS.iter().enumerate() {
        let Some(segments) = endpoint.route.matches(path) else { continue };
        if endpoint.method == *wanted {
            return Found { endpoint: Some(index), segments: Decoded::of(segments) };
        }
        other_method = Some(index);
    }
    let problem = match other_method {
        Some(_) => Problem::wrong_method(methods_of(path)),
        None => Problem::new(
            hyper::StatusCode::NOT_FOUND,
            "No such route",
            format!("nothing is served at this path; there are: {}", all_routes()),
        ),
    };
    Found { endpoint: other_method, segments: Err(problem) }
}

fn methods_of(path: &str) -> String {
    let mut methods = Vec::new();
    for endpoint in ENDPOINTS.iter().filter(|e| e.route.matches(path).is_some()) {
        methods.push(endpoint.method.as_str());
        if endpoint.method == Method::GET {
            methods.push("HEAD");
        }
    }
    methods.join(", ")
}

fn all_routes() -> String {
    let route = |e: &super::endpoint::Endpoint| format!("{} {}", e.method, e.route.label());
    ENDPOINTS.iter().map(route).collect::<Vec<_>>().join(", ")
}

/// All characters except RFC 3986's unreserved ones.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encoding of one segment.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Percent-decoding of one segment or query value.
///
/// # Errors
/// 400 if a `%` begins no escape, which the library would leave unchanged, or the bytes are not UTF-8.
pub(super) fn decoded(text: &str) -> Result<Cow<'_, str>, Problem> {
    let is_escape =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.ok().filter(|_| text.split('%').skip(1).all(is_escape)).ok_or_else(|| {
        Problem::new(
            hyper::StatusCode::BAD_REQUEST,
            "Bad percent-encoding",
            format!("{text:?} is not percent-encoded UTF-8"),
        )
    })
}

/// The value of a query parameter, still percent-encoded.
pub(super) fn query_value<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    query?.split('&').find_map(|pair| match pair.split_once('=') {
        Some((n, value)) if n == name => Some(value),
        None if pair == name => Some(""),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_its_route_and_its_symbol() {
        let found = find(&Method::GET, "/predict/coinbase%3ABTC-USD");
        let endpoint = &ENDPOINTS[found.endpoint.unwrap()];
        assert_eq!(
            (endpoint.route.label(), &*found.segments.unwrap().symbol),
            ("/predict/{symbol}", "coinbase:BTC-USD")
        );
        let found = find(&Method::HEAD, "/symbols/X/features");
        assert_eq!(ENDPOINTS[found.endpoint.unwrap()].route.label(), "/symbols/{symbol}/features");
        assert!(find(&Method::GET, "/predict/a/b").endpoint.is_none());
        assert_eq!(find(&Method::DELETE, "/predict").segments.unwrap_err().status(), 405);
        assert_eq!(find(&Method::GET, "/predict/%zz").segments.unwrap_err().status(), 400);
    }

    #[test]
    fn a_models_path_has_its_name_and_perhaps_its_version() {
        for (path, label, version) in [
            ("/v2/models/a%2Fb/infer", "/v2/models/{model}/infer", None),
            (
                "/v2/models/a%2Fb/versions/1.2/infer",
                "/v2/models/{model}/versions/{version}/infer",
                Some("1.2"),
            ),
        ] {
            let found = find(&Method::POST, path);
            assert_eq!(ENDPOINTS[found.endpoint.unwrap()].route.label(), label);
            let segments = found.segments.unwrap();
            assert_eq!((&*segments.symbol, segments.version.as_deref()), ("a/b", version));
        }
        for path in ["/v2/models//versions/1/infer", "/v2/models/a/versions//infer"] {
            assert!(find(&Method::POST, path).endpoint.is_none(), "{path}");
        }
    }

    #[test]
    fn a_symbol_in_a_path_comes_back() {
        let route = Route::Symbol { label: "", before: "/symbols/", after: "/features" };
        for symbol in ["coinbase:BTC-USD", "a:b/c d%?#é\u{1}"] {
            let path = route.with_symbol(symbol);
            assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
            assert_eq!(decoded(route.matches(&path).unwrap().symbol.unwrap()).unwrap(), symbol);
        }
    }

    #[test]
    fn a_query_has_values_and_flags() {
        let query = Some("a=1&verbose&symbols=x%2Cy");
        assert_eq!(query_value(query, "symbols"), Some("x%2Cy"));
        assert_eq!((query_value(query, "verbose"), query_value(query, "b")), (Some(""), None));
    }
}
