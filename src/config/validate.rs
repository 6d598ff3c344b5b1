//! Rules that a schema cannot say: forms of addresses, and rules between two settings.

use std::path::PathBuf;

use ipnet::IpNet;
use url::{Host, Url};

use super::{
    Mistakes, Place, Problem,
    secret::REDACTED,
    sections::{AssistantKind, Config, Issuer, IssuerKind},
};

/// A rule that does not hold. The first key is the one at fault; its place is that of the first key
/// that was given at all.
#[derive(Debug)]
pub(super) struct Breach {
    pub keys: Vec<String>,
    pub value: Option<String>,
    pub rule: String,
    pub advice: String,
    /// The same rule told from the second key's side, for when only that one was given.
    pub mirrored: Option<(String, String)>,
}

fn breach(key: impl Into<String>, value: &str, rule: impl Into<String>, advice: impl Into<String>) -> Breach {
    let value = Some(format!("{value:?}"));
    Breach { keys: vec![key.into()], value, rule: rule.into(), advice: advice.into(), mirrored: None }
}

/// All rules that do not hold.
pub(super) fn validate(config: &Config) -> Vec<Breach> {
    let mut out = Vec::new();
    addresses(config, &mut out);
    pairs(config, &mut out);
    if let Some(url) = &config.database.url
        && let Err((rule, advice)) = database_url(url.expose(), cfg!(feature = "postgres-tls"))
    {
        out.push(breach("database.url", REDACTED, rule, advice));
    }
    if let Some(secret) = &config.auth.hs256_secret
        && secret.expose().len() < 32
    {
        let rule = format!("must have at least 32 bytes, this one has {}", secret.expose().len());
        out.push(breach("auth.hs256_secret", REDACTED, rule, "make one with: openssl rand -hex 32"));
    }
    sources(config, &mut out);
    assistants(config, &mut out);
    for (index, issuer) in config.auth.issuers.iter().enumerate() {
        check_issuer(index, issuer, &mut out);
    }
    if let Some(word) = bad_level(&config.log.level) {
        let rule =
            format!("has {word:?}, which is none of error, warn, info, debug, trace, off, nor module=level");
        out.push(breach("log.level", &config.log.level, rule, "for example \"info,jethub::session=debug\""));
    }
    out
}

fn sources(config: &Config, out: &mut Vec<Breach>) {
    let source = &config.datasource;
    if let Some(url) = &source.service_url {
        let parsed = Url::parse(url).ok();
        let plain = parsed.as_ref().is_some_and(|url| url.username().is_empty() && url.password().is_none());
        if !plain || !parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https")) {
            let rule = "must be an http or https address without a user";
            let advice =
                "for example \"http://127.0.0.1:8090/run-query\"; its token is datasource.service_token";
            out.push(breach("datasource.service_url", url, rule, advice));
        }
    }
    if let Some(dir) = &source.sqlite_dir
        && config.server.state_dir.starts_with(dir)
    {
        let rule = "must not hold server.state_dir: the hub's own files would be data sources";
        let advice = "a directory of its own";
        out.push(breach("datasource.sqlite_dir", &dir.display().to_string(), rule, advice));
    }
}

/// A model needs an address and a name; a tenant is named once.
fn assistants(config: &Config, out: &mut Vec<Breach>) {
    let ai = &config.ai;
    let mut model = |prefix: &str, asked: AssistantKind, url: Option<&String>, name: Option<&String>| {
        let key = |name: &str| format!("{prefix}{name}");
        if let Some(url) = url
            && !Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        {
            let advice = "for example \"https://api.openai.com/v1\"";
            out.push(breach(key("base_url"), url, "must be an http or https address", advice));
        }
        if asked != AssistantKind::Llm {
            return;
        }
        for (word, value, example) in
            [("base_url", url, "\"https://api.openai.com/v1\""), ("model", name, "\"gpt-5-mini\"")]
        {
            if value.is_none_or(|value| value.trim().is_empty()) {
                let rule = "is missing: assistant = \"llm\" asks a model there".to_owned();
                let keys = vec![key(word), key("assistant"), "ai.assistant".to_owned()];
                let advice = format!("for example {word} = {example}");
                out.push(Breach { keys, value: None, rule, advice, mirrored: None });
            }
        }
    };
    model("ai.", ai.assistant, ai.base_url.as_ref(), ai.model.as_ref());
    for (index, own) in ai.tenants.iter().enumerate() {
        let asked = own.assistant.unwrap_or(ai.assistant);
        let (url, name) =
            (own.base_url.as_ref().or(ai.base_url.as_ref()), own.model.as_ref().or(ai.model.as_ref()));
        model(&format!("ai.tenants[{index}]."), asked, url, name);
    }
    for (index, own) in ai.tenants.iter().enumerate() {
        if own.tenant.is_empty() || ai.tenants.iter().take(index).any(|other| other.tenant == own.tenant) {
            let key = format!("ai.tenants[{index}].tenant");
            out.push(breach(key, &own.tenant, "must name a tenant, and each only once", "put both into one"));
        }
    }
}

/// The first part of a list of levels that is none.
fn bad_level(list: &str) -> Option<&str> {
    list.split(',').map(str::trim).find(|part| {
        let level = part.split_once('=').map_or(*part, |(_, level)| level);
        level.parse::<log::LevelFilter>().is_err()
    })
}

fn addresses(config: &Config, out: &mut Vec<Breach>) {
    let listen = &config.server.listen;
    let port = listen.rsplit_once(':').filter(|(host, _)| !host.is_empty() && bracketed(host));
    if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
        let advice = "the default is \"127.0.0.1:3000\"; all addresses are \"0.0.0.0:3000\" or \"[::]:3000\"";
        out.push(breach("server.listen", listen, "must be an address and a port", advice));
    }
    for (index, origin) in config.server.allowed_origins.iter().enumerate() {
        let exact = Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
        if origin != "*" && !exact {
            let key = format!("server.allowed_origins[{index}]");
            let rule = "must be an origin as browsers send it: scheme, host and port, without a path";
            let advice = Url::parse(origin)
                .ok()
                .map(|url| url.origin().ascii_serialization())
                .filter(|origin| origin != "null")
                .unwrap_or_else(|| "https://app.example.com".to_owned());
            out.push(breach(key, origin, rule, format!("for example {advice:?}")));
        }
    }
    for (index, proxy) in config.server.trusted_proxies.iter().enumerate() {
        if proxy.parse::<IpNet>().is_err() && proxy.parse::<std::net::IpAddr>().is_err() {
            let key = format!("server.trusted_proxies[{index}]");
            out.push(breach(key, proxy, "must be an address or a range", "for example \"10.0.0.0/8\""));
        }
    }
}

/// A literal IPv6 address stands in brackets.
fn bracketed(host: &str) -> bool {
    !host.contains(':') || (host.starts_with('[') && host.ends_with(']'))
}

fn pairs(config: &Config, out: &mut Vec<Breach>) {
    let mut at_most = |small: &str, left: &dyn Comparable, large: &str, right: &dyn Comparable| {
        if left.amount() > right.amount() {
            let keys = vec![small.to_owned(), large.to_owned()];
            let rule = format!("must be at most {large} = {}", right.text());
            let advice = "lower the one or raise the other".to_owned();
            let mirrored = Some((right.text(), format!("must be at least {small} = {}", left.text())));
            out.push(Breach { keys, value: Some(left.text()), rule, advice, mirrored });
        }
    };
    let Config {
        session, limits, delivery, supervise, journal, workflow, node, script, outbound, auth, ..
    } = config;
    at_most(
        "limits.connections_per_ip",
        &limits.connections_per_ip,
        "limits.connections",
        &limits.connections,
    );
    at_most(
        "limits.unjoined_per_ip",
        &limits.unjoined_per_ip,
        "limits.connections_per_ip",
        &limits.connections_per_ip,
    );
    at_most("limits.sessions_per_user", &limits.sessions_per_user, "limits.connections", &limits.connections);
    at_most("limits.inputs", &limits.inputs, "limits.journal_payload", &limits.journal_payload);
    at_most("limits.chat_text", &limits.chat_text, "limits.journal_payload", &limits.journal_payload);
    at_most("limits.inputs", &limits.inputs, "workflow.max_context", &workflow.max_context);
    at_most(
        "delivery.queue_bytes",
        &delivery.queue_bytes,
        "delivery.queue_bytes_total",
        &delivery.queue_bytes_total,
    );
    at_most(
        "supervise.stall_alarm",
        &supervise.stall_alarm,
        "supervise.replace_after",
        &supervise.replace_after,
    );
    at_most("journal.batch_rows", &journal.batch_rows, "journal.queue_rows", &journal.queue_rows);
    at_most("journal.batch_bytes", &journal.batch_bytes, "journal.queue_bytes", &journal.queue_bytes);
    at_most(
        "workflow.max_context_in_updates",
        &workflow.max_context_in_updates,
        "workflow.max_context",
        &workflow.max_context,
    );
    at_most("node.timeout", &node.timeout, "workflow.run_timeout", &workflow.run_timeout);
    at_most("node.output", &node.output, "workflow.max_context", &workflow.max_context);
    at_most("script.stack", &script.stack, "script.memory", &script.memory);
    at_most("script.timeout", &script.timeout, "node.timeout", &node.timeout);
    at_most(
        "outbound.connect_timeout",
        &outbound.connect_timeout,
        "outbound.total_timeout",
        &outbound.total_timeout,
    );
    at_most(
        "outbound.idle_timeout",
        &outbound.idle_timeout,
        "outbound.total_timeout",
        &outbound.total_timeout,
    );
    at_most("auth.jwks_refetch_gap", &auth.jwks_refetch_gap, "auth.jwks_cache", &auth.jwks_cache);
    at_most("auth.jwks_cache", &auth.jwks_cache, "auth.jwks_stale", &auth.jwks_stale);
    at_most(
        "server.max_body",
        &config.server.max_body,
        "server.max_bodies_in_flight",
        &config.server.max_bodies_in_flight,
    );
    at_most(
        "session.max_payload",
        &session.max_payload,
        "server.max_bodies_in_flight",
        &config.server.max_bodies_in_flight,
    );
}

/// Two settings of one kind, compared and shown.
trait Comparable {
    fn amount(&self) -> u128;
    fn text(&self) -> String;
}
impl Comparable for usize {
    fn amount(&self) -> u128 {
        *self as u128
    }
    fn text(&self) -> String {
        self.to_string()
    }
}
impl Comparable for super::Size {
    fn amount(&self) -> u128 {
        self.get() as u128
    }
    fn text(&self) -> String {
        format!("\"{self}\"")
    }
}
impl Comparable for super::DurationSetting {
    fn amount(&self) -> u128 {
        self.as_millis()
    }
    fn text(&self) -> String {
        format!("\"{self}\"")
    }
}

fn check_issuer(index: usize, issuer: &Issuer, out: &mut Vec<Breach>) {
    let key = |name: &str| format!("auth.issuers[{index}].{name}");
    let mut missing = |name: &str, why: &str, example: &str| {
        let (rule, advice) = (format!("is missing: {why}"), format!("for example {example}"));
        let keys = vec![key(name), format!("auth.issuers[{index}]"), "auth.issuers".to_owned()];
        out.push(Breach { keys, value: None, rule, advice, mirrored: None });
    };
    match issuer.kind {
        IssuerKind::JwksFile if issuer.file.is_none() => {
            missing("file", "kind jwks_file reads its keys from it", "\"/etc/jethub/jwks.json\"");
        }
        IssuerKind::JwksUrl if issuer.url.is_none() => {
            missing(
                "url",
                "kind jwks_url fetches its keys there",
                "\"https://id.example.com/.well-known/jwks.json\"",
            );
        }
        IssuerKind::Firebase if issuer.project.as_deref().unwrap_or_default().is_empty() => {
            missing("project", "kind firebase checks tokens against it", "\"my-project\"");
        }
        _ => {}
    }
    if issuer.kind != IssuerKind::Firebase {
        if issuer.issuer.is_empty() {
            missing("issuer", "tokens are matched by their claim iss", "\"https://id.example.com/\"");
        }
        if issuer.audience.is_empty() {
            missing("audience", "a token for somebody else would be taken otherwise", "[\"jethub\"]");
        }
    }
    if let Some(url) = &issuer.url {
        let parsed = Url::parse(url).ok();
        let local = parsed.as_ref().is_some_and(|url| is_local(url.host()));
        let scheme = parsed.as_ref().map(Url::scheme);
        if scheme != Some("https") && !(scheme == Some("http") && local) {
            let rule = "must be an https address (http only on this machine)";
            let advice = "for example \"https://id.example.com/.well-known/jwks.json\"";
            out.push(breach(key("url"), url, rule, advice));
        }
    }
}

fn is_local(host: Option<Host<&str>>) -> bool {
    match host {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Rule and advice when a database address cannot be used by this build.
fn database_url(text: &str, tls: bool) -> Result<(), (String, String)> {
    if let Some(file) = text.strip_prefix("sqlite:") {
        if file.trim_start_matches('/').is_empty() {
            return Err((
                "must name a file".to_owned(),
                "for example \"sqlite:/var/lib/jethub/jethub.db\"".to_owned(),
            ));
        }
        return Ok(());
    }
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "postgres" | "postgresql") => url,
        Ok(_) | Err(_) => {
            let rule = "must begin with sqlite: or postgresql:".to_owned();
            let advice = "for example \"sqlite:/var/lib/jethub/jethub.db\" or \"postgresql:///jethub?host=/run/postgresql\"";
            return Err((rule, advice.to_owned()));
        }
    };
    let query =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let local_name = |host: &str| {
        host.is_empty()
            || host.starts_with('/')
            || host == "localhost"
            || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    };
    // libpq takes the last word: hostaddr, then host, of the query, then that of the address; each may be a list.
    let host = query("hostaddr").or_else(|| query("host")).or_else(|| url.host_str().map(str::to_owned));
    let local = host.unwrap_or_default().split(',').all(|host| local_name(host.trim()));
    let mode = query("sslmode");
    if local || tls || mode.as_deref() == Some("disable") {
        return Ok(());
    }
    let rule = "names a PostgreSQL on another machine, and this build has no TLS to it".to_owned();
    let advice =
        "build with --features postgres-tls, or write out ?sslmode=disable if the network is trusted";
    Err((rule, advice.to_owned()))
}

/// `serve` needs a way to tell clients apart.
pub fn require_verifier(config: &Config) -> Result<(), Mistakes> {
    if config.auth.hs256_secret.is_some() || !config.auth.issuers.is_empty() {
        return Ok(());
    }
    let advice =
        "make a secret with: export JETHUB_AUTH__HS256_SECRET=\"$(openssl rand -hex 32)\"".to_owned();
    let rule = "is not set, nor is any [[auth.issuers]]: no token could be verified".to_owned();
    let key = "auth.hs256_secret".to_owned();
    Err(Mistakes(vec![Problem { place: Place::Default, key, value: None, rule, advice }]))
}

/// The address of the database: the one given, else the file in the state directory.
pub fn database_address(config: &Config) -> String {
    match &config.database.url {
        Some(url) => url.expose().to_owned(),
        None => {
            let file: PathBuf = config.server.state_dir.join("jethub.db");
            format!("sqlite:{}", file.display())
        }
    }
}
