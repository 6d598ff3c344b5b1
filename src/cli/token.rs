//! `jethub token`: one token on standard output and nothing else.

use clap::Args;

use super::{
    args::Where,
    output::{Failure, print},
    settings,
};
use crate::{
    auth::{NewToken, sign},
    clock::Clock,
    config::{DurationSetting, require_verifier},
};

/// `jethub token …`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct TokenArguments {
    /// Who it is for: the claim sub
    #[arg(long, value_name = "ID", value_parser = id)]
    user: String,
    /// A membership that the token brings with it; may be repeated
    #[arg(long, value_name = "ID=ROLE", value_parser = membership)]
    tenant: Vec<(String, String)>,
    /// The user may administrate the whole hub
    #[arg(long)]
    platform_admin: bool,
    /// How long it is valid: 30s, 10m, 1h, 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = ttl)]
    ttl: DurationSetting,
    #[command(flatten)]
    place: Where,
}

const EXAMPLE: &str = "Example:
  TOKEN=$(jethub token --user ann --tenant acme=ADMIN)";

/// Prints the token.
pub(super) fn run(arguments: &TokenArguments) -> Result<(), Failure> {
    let config = settings::read(&arguments.place.flags())?.config;
    let Some(secret) = &config.auth.hs256_secret else {
        let text = match require_verifier(&config) {
            Err(mistakes) => mistakes.to_string(),
            Ok(()) => "auth.hs256_secret is not set: this hub takes only tokens of its issuers".to_owned(),
        };
        return Err(Failure::Settings(text));
    };
    let token = NewToken {
        sub: arguments.user.clone(),
        email: None,
        tenants: arguments.tenant.iter().cloned().collect(),
        platform_admin: arguments.platform_admin,
    };
    let signed = sign(secret, &token, Clock::real().now(), arguments.ttl.get())
        .map_err(|error| Failure::Failed(format!("the token cannot be signed: {error}")))?;
    print(&format!("{signed}\n"))
}

/// An id as clients may send it: not empty, at most 128 bytes, no control characters.
pub(super) fn id(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 128 || text.chars().any(char::is_control) {
        return Err("an id has 1 to 128 bytes and no control characters".to_owned());
    }
    Ok(text.to_owned())
}

fn membership(text: &str) -> Result<(String, String), String> {
    let (tenant, role) = text.split_once('=').ok_or("write it as TENANT=ROLE, for example acme=ADMIN")?;
    Ok((id(tenant)?, id(role)?))
}

pub(super) fn ttl(text: &str) -> Result<DurationSetting, String> {
    let ttl: DurationSetting = text.parse().map_err(|error: crate::config::BadValue| error.to_string())?;
    if ttl.as_secs() == 0 { Err("must be at least 1s".to_owned()) } else { Ok(ttl) }
}
