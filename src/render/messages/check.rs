//! Every template of the user's tried with sample facts, so that a slip is told before anything is planned and not by
//! a mail that cannot be sent. What no file of theirs touches is built in, and tried by the tests.

use super::{TemplateError, Templates, context, samples::samples, sources};
use crate::model::message::MessageKind;
use crate::render::languages;
use minijinja::Value;

impl Templates {
    /// What is wrong with the templates, each problem once: files that replace nothing, and whatever
    /// comes up when each kind of message that they touch is written from each of the `samples`. It costs nothing
    /// where all of them are built in.
    pub fn check(&self) -> Vec<TemplateError> {
        let mut problems: Vec<TemplateError> = Vec::new();
        let mut add = |problem: TemplateError| {
            let same = |told: &TemplateError| told.template == problem.template && told.variable == problem.variable;
            if !problems.iter().any(|told| *told == problem || (told.variable.is_some() && same(told))) {
                problems.push(problem);
            }
        };
        for (file, _) in &self.overrides {
            if sources::replaces(file).is_none() {
                let names = "it replaces no template: name it KIND.PART or KIND.LANGUAGE.PART, such as reminder.overdue.de.html";
                add(TemplateError::new(file, names));
            }
        }
        for language in languages::tags().filter(|language| self.touches(language, None)) {
            let spoken = match self.speaking(language) {
                Ok(spoken) => spoken,
                Err(error) => {
                    add(error);
                    continue;
                }
            };
            spoken.broken.values().cloned().for_each(&mut add);
            let mut contexts = Vec::new();
            for kind in MessageKind::ALL.iter().filter(|kind| self.touches(language, Some(**kind))) {
                let Ok(samples) = samples(*kind) else { continue };
                samples.iter().filter_map(|facts| self.render(*kind, language, facts).err()).for_each(&mut add);
                samples.iter().filter_map(|facts| self.slack(*kind, language, facts).err()).for_each(&mut add);
                contexts.extend(samples.iter().filter_map(|facts| context::of(*kind, facts, spoken.language).ok()));
            }
            spoken.unknown_names(|path| contexts.iter().any(|context| knows(context, path))).into_iter().for_each(&mut add);
        }
        problems
    }

    /// Whether a file replaces something in a language; of a kind, whether it is a part of it.
    fn touches(&self, language: &str, kind: Option<MessageKind>) -> bool {
        self.overrides
            .iter()
            .filter_map(|(file, _)| sources::replaces(file))
            .any(|(name, tag)| tag.is_none_or(|tag| tag == language) && kind.is_none_or(|kind| sources::is_part_of(&name, kind)))
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
