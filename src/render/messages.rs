//! TEMPORARY
use crate::model::message::{MessageFacts, MessageKind, Rendered};
pub struct Templates;
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(String);
impl Templates {
    pub fn built_in() -> Self {
        Self
    }
    pub fn with_overrides(_: Vec<(String, String)>) -> Result<Self, TemplateError> {
        Ok(Self)
    }
    pub fn render(&self, kind: MessageKind, language: &str, facts: &MessageFacts) -> Result<Rendered, TemplateError> {
        let text = serde_json::to_string_pretty(facts).map_err(|e| TemplateError(e.to_string()))?;
        let subject =
            format!("{kind} {language} {}", facts.invoices.iter().map(|i| i.number.as_str()).collect::<Vec<_>>().join(" "));
        Ok(Rendered { html: format!("<pre>{text}</pre>"), short: subject.clone(), subject, text })
    }
}
