//! Templates as one language reads them.

use super::error::TemplateError;
use super::{filters, sources};
use crate::render::languages::Language;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use std::collections::BTreeMap;

/// What the engine defines within loops, blocks and macros.
const OF_THE_ENGINE: [&str; 4] = ["loop", "self", "super", "caller"];

/// All templates in one language.
pub(super) struct Spoken {
    pub language: &'static Language,
    environment: Environment<'static>,
    /// Which file each template came from; the others are built in.
    files: BTreeMap<String, String>,
    /// Files that are no template, by the name of the one that they would replace.
    pub broken: BTreeMap<String, TemplateError>,
}

impl Spoken {
    pub fn new(language: &'static Language, overrides: &[(String, String)]) -> Self {
        let mut spoken = Self { language, environment: environment(language), files: BTreeMap::new(), broken: BTreeMap::new() };
        for (name, text) in sources::built_in() {
            spoken.add(&name, &format!("built-in {name}"), text);
        }
        // What is for this language goes before what is for all.
        for wanted in [None, Some(language.tag)] {
            for (file, text) in overrides {
                if let Some((name, _)) = sources::replaces(file).filter(|(_, tag)| *tag == wanted) {
                    spoken.files.insert(name.clone(), file.clone());
                    spoken.add(&name, file, text.clone());
                }
            }
        }
        spoken
    }

    fn add(&mut self, name: &str, file: &str, text: String) {
        match self.environment.add_template_owned(name.to_owned(), text) {
            Ok(()) => drop(self.broken.remove(name)),
            Err(error) => {
                self.environment.remove_template(name);
                self.broken.insert(name.to_owned(), TemplateError::of(&error, |_| file.to_owned()));
            }
        }
    }

    /// Names that a template of the user's looks up and that are nowhere: `names` are those of the context, as paths.
    /// A branch that no sample takes is looked at as well; details of events have names of their own.
    pub fn unknown_names(&self, is_known: impl Fn(&str) -> bool) -> Vec<TemplateError> {
        let globals: Vec<&str> = self.environment.globals().map(|(name, _)| name).collect();
        let mut problems = Vec::new();
        for (name, file) in &self.files {
            let Ok(template) = self.environment.get_template(name) else { continue };
            let mut unknown: Vec<String> = template.undeclared_variables(true).into_iter().collect();
            unknown.retain(|path| {
                let first = path.split('.').next().unwrap_or_default();
                !globals.contains(&first) && !OF_THE_ENGINE.contains(&first) && !path.contains(".details.") && !is_known(path)
            });
            unknown.sort();
            problems.extend(unknown.into_iter().map(|path| TemplateError::unknown(file, template.source(), path)));
        }
        problems
    }

    pub fn render(&self, name: &str, context: &Value) -> Result<String, TemplateError> {
        let rendered = self.environment.get_template(name).and_then(|template| template.render(context));
        rendered.map_err(|error| self.told(name, &error))
    }

    /// What is empty says nothing: mail without a subject is taken for spam, and an SMS without words is refused.
    pub fn blank(&self, name: &str) -> TemplateError {
        let file = self.files.get(name).cloned().unwrap_or_else(|| format!("built-in {name}"));
        let what = match name.rsplit_once('.') {
            Some((_, "subject")) => "subject",
            Some((_, "short")) => "short text",
            _ => "text",
        };
        TemplateError { place: Some((1, 1)), ..TemplateError::new(&file, format!("the {what} is empty: write at least a word")) }
    }

    fn told(&self, name: &str, error: &minijinja::Error) -> TemplateError {
        // What is missing is the template itself or one that it builds on, which its detail names.
        let missing =
            |broken: &str| name == broken || error.detail().is_some_and(|detail| detail.contains(&format!("\"{broken}\"")));
        if error.kind() == minijinja::ErrorKind::TemplateNotFound
            && let Some((_, broken)) = self.broken.iter().find(|(broken, _)| missing(broken))
        {
            return broken.clone();
        }
        TemplateError::of(error, |name| self.files.get(name).cloned().unwrap_or_else(|| format!("built-in {name}")))
    }
}

fn environment(language: &'static Language) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().unwrap_or_default());
    // Only with it do errors name the expression that failed.
    environment.set_debug(true);
    environment.set_auto_escape_callback(|name| if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None });
    filters::add(&mut environment, language);
    environment
}
