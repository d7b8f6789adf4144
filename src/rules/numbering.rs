//! sketch
use crate::model::Invalid;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberFormat {}

impl NumberFormat {
    pub fn parse(_format: &str) -> Result<Self, Invalid> {
        todo!()
    }
    pub fn format(&self, _year: i32, _seq: u64) -> String {
        todo!()
    }
    pub fn restarts_yearly(&self) -> bool {
        todo!()
    }
}
