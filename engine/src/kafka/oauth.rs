//! Tokens for SASL OAUTHBEARER, read from a file that another process keeps fresh, as Kubernetes does with the token of
//! a service account. librdkafka asks for a new one when four fifths of a token's lifetime have passed.

use std::error::Error;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rdkafka::client::OAuthToken;
use serde::Deserialize;

use crate::kafka::settings::KafkaSettings;

/// The prefix of `sasl.oauthbearer.config` that names a file with a token.
const TOKEN_FILE: &str = "token_file=";

/// The claims of a token that the client needs.
#[derive(Deserialize)]
struct Claims {
    /// Expiry, seconds since 1970.
    exp: f64,
    #[serde(default)]
    sub: String,
}

/// The token for a client with these settings; `None` if they need none.
pub(super) fn token_of(settings: &KafkaSettings) -> Option<Result<OAuthToken, String>> {
    let property = |name: &str| settings.properties.get(name).map(String::as_str);
    let mechanism = property("sasl.mechanisms").or_else(|| property("sasl.mechanism"))?;
    let is_needed = mechanism.trim().eq_ignore_ascii_case("OAUTHBEARER");
    is_needed.then(|| token(property("sasl.oauthbearer.config")).map_err(|error| error.to_string()))
}

/// Reads the token from the file that the property names.
pub(super) fn token(config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
    let path = config.and_then(|config| config.strip_prefix(TOKEN_FILE));
    let path = path.ok_or("sasl.oauthbearer.config names no token_file")?;
    let text = std::fs::read_to_string(path).map_err(|error| format!("token file {path}: {error}"))?;
    parse(text.trim()).ok_or_else(|| format!("token file {path} holds no JSON Web Token with an exp").into())
}

fn parse(token: &str) -> Option<OAuthToken> {
    let payload = token.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let Claims { exp, sub } = serde_json::from_slice(&payload).ok()?;
    Some(OAuthToken { token: token.to_owned(), principal_name: sub, lifetime_ms: (exp * 1_000.0) as i64 })
}

/// Implements the method of a client's context that provides tokens.
macro_rules! gives_tokens {
    () => {
        const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

        fn generate_oauth_token(
            &self,
            config: Option<&str>,
        ) -> Result<rdkafka::client::OAuthToken, Box<dyn std::error::Error>> {
            $crate::kafka::oauth::token(config)
        }
    };
}
pub(super) use gives_tokens;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_whose_it_is_and_until_when() {
        // {"alg":"none"} and {"sub":"engine","exp":1900000000.5}
        let text = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJlbmdpbmUiLCJleHAiOjE5MDAwMDAwMDAuNX0.";
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{text}\n")).unwrap();
        let read = token(Some(&format!("token_file={}", file.path().display()))).unwrap();
        assert_eq!((read.token.as_str(), read.principal_name.as_str()), (text, "engine"));
        assert_eq!(read.lifetime_ms, 1_900_000_000_500);
    }

    #[test]
    fn what_is_no_token_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = format!("token_file={}", file.path().display());
        for (config, why) in [
            (None, "names no token_file"),
            (Some("principal=engine"), "names no token_file"),
            (Some("token_file=/nowhere/token"), "/nowhere/token: No such file"),
            (Some(path.as_str()), "holds no JSON Web Token"),
        ] {
            let error = token(config).err().unwrap().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
