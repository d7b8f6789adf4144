use super::*;

/// None when nothing is left to bill. The parts are one per contract.
pub fn build_invoice(
    _company: &Company,
    _reference: &Reference,
    _parts: &[Part<'_>],
    _items: &[&BillableItem],
) -> Result<Option<PlannedInvoice>, Failure> {
    todo!()
}
