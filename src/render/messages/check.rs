//! Every template tried with sample facts, so that a slip is told by `config check` and not by a
//! mail that cannot be sent.

use super::{TemplateError, Templates, samples::samples, sources};
use crate::model::message::MessageKind;
use crate::render::languages;

impl Templates {
    /// What is wrong with the templates, each problem once: files that replace nothing, and whatever
    /// comes up when each kind of message is written in each language from each of the `samples`.
    pub fn check(&self) -> Vec<TemplateError> {
        let mut problems: Vec<TemplateError> = Vec::new();
        let mut add = |problem: TemplateError| {
            if !problems.contains(&problem) {
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
            for kind in MessageKind::ALL {
                let Ok(samples) = samples(*kind) else { continue };
                samples.iter().filter_map(|facts| self.render(*kind, language, facts).err()).for_each(&mut add);
            }
        }
        problems
    }
}
