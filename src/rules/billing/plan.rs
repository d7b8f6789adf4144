use super::*;

pub fn plan_company(_facts: &CompanyFacts, _reference: &Reference, _options: &Options) -> CompanyPlan {
    todo!()
}
