//! Every template tried with sample facts, so that a slip is told by `config check` and not by a
//! mail that cannot be sent.

use super::{TemplateError, Templates, context, samples::samples, sources};
use crate::model::message::MessageKind;
use crate::render::languages;
use minijinja::Value;

impl Templates {
    /// What is wrong with the templates, each problem once: files that replace nothing, and whatever
    /// comes up when each kind of message is written in each language from each of the `samples`.
    pub fn check(&self) -> Vec<TemplateError> {
        let mut problems: Vec<TemplateError> = Vec::new();
        let mut add = |problem: TemplateError| {
            let same = |told: &TemplateError| told.template == problem.template && told.variable == problem.variable;
            if !problems.iter().any(|told| *told == problem || (problem.line.is_none() && told.variable.is_some() && same(told)))
            {
                problems.push(problem);
            }
        };
        for (file, _) in &self.overrides {
            if sources::replaces(file).is_none() {
                let names = "it replaces no template: name it KIND.PART or KIND.LANGUAGE.PART, such as reminder.overdue.de.html";
                add(TemplateError::new(file, names));
            }
        }
        for language in languages::tags() {
            match self.speaking(language) {
                Ok(spoken) => spoken.broken.values().cloned().for_each(&mut add),
                Err(error) => add(error),
            }
            let mut contexts = Vec::new();
            for kind in MessageKind::ALL {
                let Ok(samples) = samples(*kind) else { continue };
                samples.iter().filter_map(|facts| self.render(*kind, language, facts).err()).for_each(&mut add);
                if let Ok(spoken) = self.speaking(language) {
                    contexts.extend(samples.iter().filter_map(|facts| context::of(*kind, facts, spoken.language).ok()));
                }
            }
            if let Ok(spoken) = self.speaking(language) {
                spoken.unknown_names(|path| contexts.iter().any(|context| knows(context, path))).into_iter().for_each(&mut add);
            }
        }
        problems
    }
}

/// Whether a path leads to something in a context. It is asked of every sample, since what one message has another lacks.
fn knows(context: &Value, path: &str) -> bool {
    let mut at = context.clone();
    for name in path.split('.') {
        match at.get_attr(name) {
            Ok(found) if !found.is_undefined() => at = found,
            _ => return false,
        }
    }
    true
}
