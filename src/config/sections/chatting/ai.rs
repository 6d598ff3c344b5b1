//! `[ai]`, `[[ai.tenants]]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{DurationSetting, Rate, Secret, Size};

/// The assistant of chat rooms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ai {
    /// Who answers: `catalogue` finds saved queries and workflows by their words and calls nobody;
    /// `llm` asks the endpoint below.
    pub assistant: AssistantKind,
    /// Whether what has no effect (a query that only reads, the state of a run) is run at once. If
    /// not, it is proposed like everything else.
    pub auto_run: bool,
    /// Kind llm: the address of an OpenAI-compatible endpoint, with its version.
    #[schemars(extend("x-example" = "https://api.openai.com/v1"))]
    pub base_url: Option<String>,
    /// Kind llm: the model.
    #[schemars(extend("x-example" = "gpt-5-mini"))]
    pub model: Option<String>,
    /// Kind llm: the key of the endpoint. Better given as a credential of systemd (file ai.key) or
    /// in the environment (JETHUB_AI__KEY).
    pub key: Option<Secret>,
    /// Longest wait for the first piece of an answer.
    #[schemars(extend("x-min" = "100ms", "x-max" = "10m"))]
    pub first_chunk: DurationSetting,
    /// Longest wait between two pieces.
    #[schemars(extend("x-min" = "100ms", "x-max" = "10m"))]
    pub gap: DurationSetting,
    /// Longest time of a turn, its tools included.
    #[schemars(extend("x-min" = "1s", "x-max" = "1h"))]
    pub turn_timeout: DurationSetting,
    /// Tries of a call before its first piece has come; `Retry-After` is obeyed within the turn's time.
    #[schemars(range(min = 0, max = 10))]
    pub retries: u32,
    /// Largest answer; a longer one is cut and says so.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "1MiB"))]
    pub max_output: Size,
    /// Most calls of tools in a turn.
    #[schemars(range(min = 1, max = 100))]
    pub tool_calls: usize,
    /// Rows of a result that the assistant and the chat see.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_rows: usize,
    /// Bytes of a tool's result that go to a model.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "1MiB"))]
    pub max_result: Size,
    /// How long a proposal waits for an answer.
    #[schemars(extend("x-min" = "1s", "x-max" = "7d"))]
    pub proposal_expiry: DurationSetting,
    /// Most messages of a room that wait for their turn; then RATE_LIMITED.
    #[schemars(range(min = 1, max = 1000))]
    pub queue_per_room: usize,
    /// Messages of the room that a model is shown with a new one.
    #[schemars(range(min = 0, max = 1000))]
    pub history: usize,
    /// Tokens of them, at most (four bytes count as one).
    #[schemars(range(min = 256, max = 10_000_000))]
    pub context_tokens: usize,
    /// Tokens that a model may use for a room, in and out, ever; 0: no bound.
    pub room_tokens: u64,
    /// Turns of one tenant.
    pub tenant_turns: Rate,
    /// Turns of one user in a tenant.
    pub user_turns: Rate,
    /// Turns that are answered at once, in all rooms; more wait in order, one tenant with at most half.
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrent: usize,
    /// Tenants for which some of this is otherwise.
    pub tenants: Vec<AiTenant>,
}

/// Who answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AssistantKind {
    /// Finds saved queries and workflows by their words; calls nobody.
    #[default]
    Catalogue,
    /// Asks an OpenAI-compatible endpoint.
    Llm,
}

impl Default for Ai {
    fn default() -> Self {
        Self {
            assistant: AssistantKind::Catalogue,
            auto_run: true,
            base_url: None,
            model: None,
            key: None,
            first_chunk: DurationSetting::from_secs(30),
            gap: DurationSetting::from_secs(30),
            turn_timeout: DurationSetting::from_secs(120),
            retries: 3,
            max_output: Size::kib(64),
            tool_calls: 8,
            max_rows: 50,
            max_result: Size::kib(16),
            proposal_expiry: DurationSetting::from_secs(300),
            queue_per_room: 10,
            history: 50,
            context_tokens: 16_000,
            room_tokens: 0,
            tenant_turns: Rate::each(600, Duration::from_secs(60)),
            user_turns: Rate::each(60, Duration::from_secs(60)),
            concurrent: 256,
            tenants: Vec::new(),
        }
    }
}

/// What is otherwise for one tenant; what is left out is as in `[ai]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AiTenant {
    /// The tenant.
    #[schemars(extend("x-example" = "acme"))]
    pub tenant: String,
    /// Who answers.
    #[serde(default)]
    #[schemars(extend("x-example" = "llm"))]
    pub assistant: Option<AssistantKind>,
    /// Whether what has no effect is run at once.
    #[serde(default)]
    #[schemars(extend("x-example" = true))]
    pub auto_run: Option<bool>,
    /// Kind llm: the endpoint.
    #[serde(default)]
    #[schemars(extend("x-example" = "https://api.openai.com/v1"))]
    pub base_url: Option<String>,
    /// Kind llm: the model.
    #[serde(default)]
    #[schemars(extend("x-example" = "gpt-5-mini"))]
    pub model: Option<String>,
    /// Kind llm: the key of the endpoint.
    #[serde(default)]
    pub key: Option<Secret>,
}
