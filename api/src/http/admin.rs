//! Authorization of model changes by `server.admin_token`. Without a configured token, nobody is authorized.

use std::hint::black_box;

use hyper::{HeaderMap, StatusCode, header::AUTHORIZATION};

use super::{app::App, problem::Problem};

/// Checks that the request carries the token.
///
/// # Errors
/// 403 if no token is configured, 401 if it is missing or wrong.
pub(super) fn authorize(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(token) = app.config.server.admin_token.get() else {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "Admin is off",
            "no admin token is configured, so nobody may change the model; set server.admin_token \
             (STORMGLASS__SERVER__ADMIN_TOKEN), best as \"file:PATH\" or \"env:NAME\", and restart",
        ));
    };
    let given = headers.get(AUTHORIZATION).map(|value| value.as_bytes()).and_then(bearer);
    match given {
        Some(given) if is_equal(token.as_bytes(), given) => Ok(()),
        Some(_) => Err(Problem::unauthorized("the token is not server.admin_token")),
        None => Err(Problem::unauthorized("send the header \"Authorization: Bearer TOKEN\"")),
    }
}

/// The token of `Bearer TOKEN`; the scheme's case does not matter.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// Whether two texts are equal, in a time that depends only on the length of the given one.
fn is_equal(secret: &[u8], given: &[u8]) -> bool {
    let mut difference = secret.len() ^ given.len();
    for (i, byte) in given.iter().enumerate() {
        difference |= usize::from(byte ^ secret[i % secret.len()]);
    }
    black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_token_is_equal() {
        for (given, equal) in
            [("secret", true), ("secreT", false), ("secre", false), ("secretsecret", false), ("", false)]
        {
            assert_eq!(is_equal(b"secret", given.as_bytes()), equal, "{given:?}");
        }
        assert_eq!(bearer(b"bEARER  x "), Some(&b"x"[..]));
        assert_eq!((bearer(b"Basic x"), bearer(b"Bearer")), (None, None));
    }
}
