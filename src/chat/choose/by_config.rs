//! Who answers in which tenant, by `[ai]` and `[[ai.tenants]]`.

use std::{collections::HashMap, sync::Arc};

use super::rates::Rates;
use crate::{
    ai::{self, Assistant, llm},
    chat::Assistants,
    clock::Clock,
    config::sections::{Ai, AiTenant, AssistantKind},
    ids::{TenantId, UserId},
    outbound::Outbound,
};

/// The assistants of the configuration; all are made when the hub starts.
pub struct ByConfig {
    everybody: Chosen,
    tenants: HashMap<TenantId, Chosen>,
    rates: Rates,
}

struct Chosen {
    assistant: Arc<dyn Assistant>,
    auto_run: bool,
}

impl ByConfig {
    /// `catalogue` answers wherever no model is asked. Endpoints are not asked anything yet. An error names
    /// the setting at fault.
    pub fn new(
        ai: &Ai,
        catalogue: Arc<dyn Assistant>,
        outbound: &Outbound,
        clock: &Clock,
    ) -> Result<Self, ai::Error> {
        let choose = |own: Option<&AiTenant>| {
            let kind = own.and_then(|own| own.assistant).unwrap_or(ai.assistant);
            let assistant = match kind {
                AssistantKind::Catalogue => Arc::clone(&catalogue),
                AssistantKind::Llm => Arc::new(model(ai, own, outbound, clock)?),
            };
            let auto_run = own.and_then(|own| own.auto_run).unwrap_or(ai.auto_run);
            Ok(Chosen { assistant, auto_run })
        };
        let everybody = choose(None)?;
        let mut tenants = HashMap::new();
        for own in &ai.tenants {
            tenants.insert(TenantId::trusted(&own.tenant), choose(Some(own))?);
        }
        let rates = Rates::new(ai.tenant_turns, ai.user_turns, clock.clone());
        Ok(Self { everybody, tenants, rates })
    }

    fn chosen(&self, tenant: &TenantId) -> &Chosen {
        self.tenants.get(tenant).unwrap_or(&self.everybody)
    }
}

fn model(
    ai: &Ai,
    own: Option<&AiTenant>,
    outbound: &Outbound,
    clock: &Clock,
) -> Result<llm::LlmAssistant, ai::Error> {
    let url = own.and_then(|own| own.base_url.as_deref()).or(ai.base_url.as_deref());
    let name = own.and_then(|own| own.model.as_deref()).or(ai.model.as_deref());
    // The key belongs to the address: the hub's own key is not sent to a tenant's endpoint.
    let key = match own {
        Some(own) if own.base_url.is_some() => own.key.as_ref(),
        own => own.and_then(|own| own.key.as_ref()).or(ai.key.as_ref()),
    };
    let (Some(url), Some(name)) = (url, name) else {
        return Err(ai::Error::Internal("ai.base_url and ai.model are not set".to_owned()));
    };
    let endpoint = llm::Endpoint::new(ai, (url, name, key), outbound, clock.clone())?;
    Ok(llm::LlmAssistant::new(endpoint, ai.clone()))
}

impl Assistants for ByConfig {
    fn of(&self, tenant: &TenantId) -> Arc<dyn Assistant> {
        Arc::clone(&self.chosen(tenant).assistant)
    }

    fn auto_run(&self, tenant: &TenantId) -> bool {
        self.chosen(tenant).auto_run
    }

    fn take(&self, tenant: &TenantId, user: &UserId) -> Result<(), ai::Error> {
        self.rates.take(tenant, user)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::BoxFuture;

    use super::*;
    use crate::{
        ai::{Answer, Desk, Failure, Tell, Turn},
        config::sections,
    };

    struct Silent;

    impl Assistant for Silent {
        fn name(&self) -> &'static str {
            "catalogue"
        }
        fn answer(&self, _: Turn, _: Arc<dyn Desk>, _: Tell) -> BoxFuture<'static, Result<Answer, Failure>> {
            Box::pin(async { Err(ai::Error::Circles.into()) })
        }
    }

    fn own(tenant: &str) -> AiTenant {
        let (assistant, auto_run, base_url, model, key) = (None, None, None, None, None);
        AiTenant { tenant: tenant.to_owned(), assistant, auto_run, base_url, model, key }
    }

    #[test]
    fn a_tenant_is_answered_by_its_own() {
        let outbound = Outbound::new(&sections::Outbound::default()).unwrap();
        let clock = Clock::fixed(jiff::Timestamp::UNIX_EPOCH);
        let by = |ai: &Ai| ByConfig::new(ai, Arc::new(Silent), &outbound, &clock);
        let ai = Ai {
            base_url: Some("http://127.0.0.1:9/v1".to_owned()),
            model: Some("m".to_owned()),
            tenants: vec![
                AiTenant { assistant: Some(AssistantKind::Llm), ..own("modern") },
                AiTenant { auto_run: Some(false), ..own("careful") },
            ],
            ..Ai::default()
        };
        let chosen = by(&ai).unwrap();
        let told = |tenant: &str| {
            let tenant = TenantId::trusted(tenant);
            (chosen.of(&tenant).name(), chosen.auto_run(&tenant))
        };
        assert_eq!(told("any"), ("catalogue", true));
        assert_eq!(told("modern"), ("llm", true));
        assert_eq!(told("careful"), ("catalogue", false));
        let without = Ai { assistant: AssistantKind::Llm, ..Ai::default() };
        assert!(by(&without).is_err(), "a model needs an address and a name");
    }
}
