//! The admin client, which creates topics and reads their settings.
//!
//! An admin client is never polled, so librdkafka would never ask it for a token. It gets one token when it is made,
//! which lasts for its one task. The binding has no call for that, so this calls librdkafka itself.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char};

use rdkafka::{
    admin::AdminClient,
    bindings,
    error::{KafkaError, KafkaResult},
    types::RDKafkaRespErr,
};

use crate::kafka::{
    client::{self, ReaderContext},
    oauth,
    settings::KafkaSettings,
};

/// Size of the buffer for librdkafka's error text.
const ERROR_BYTES: usize = 512;

/// Makes an admin client, with a token if the settings need one.
pub(super) fn admin(settings: &KafkaSettings) -> KafkaResult<AdminClient<ReaderContext>> {
    let admin = client::common(settings).create_with_context(ReaderContext::default())?;
    if let Some(token) = oauth::token_of(settings) {
        give_token(&admin, token).map_err(KafkaError::ClientCreation)?;
    }
    Ok(admin)
}

fn give_token(
    admin: &AdminClient<ReaderContext>,
    token: Result<rdkafka::client::OAuthToken, String>,
) -> Result<(), String> {
    let token = token?;
    let text = CString::new(token.token).map_err(|error| error.to_string())?;
    let principal = CString::new(token.principal_name).map_err(|error| error.to_string())?;
    let mut error: [c_char; ERROR_BYTES] = [0; ERROR_BYTES];
    // SAFETY: the client lives as long as `admin`; both texts end with a zero, are copied by the library and outlive the
    // call; there are no extensions; the library writes at most `ERROR_BYTES` into `error`, the last a zero.
    let code = unsafe {
        bindings::rd_kafka_oauthbearer_set_token(
            admin.inner().native_ptr(),
            text.as_ptr(),
            token.lifetime_ms,
            principal.as_ptr(),
            std::ptr::null_mut(),
            0,
            error.as_mut_ptr(),
            ERROR_BYTES,
        )
    };
    if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    let told: Vec<u8> = error.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0).collect();
    Err(String::from_utf8_lossy(&told).into_owned())
}
