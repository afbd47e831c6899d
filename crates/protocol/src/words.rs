//! The eight words by which an owner recognises a tenant (R3).
//!
//! Computed on each side from the tenant id alone; a portal that shows other words, or none, changes nothing at home.
//! Eight words of a list of 2 048 carry 88 bits. The list is BIP-39's English one: its words differ in their first four letters.

use bip39::Language;

use crate::id::TenantId;

/// How many words are shown.
pub const COUNT: usize = 8;

/// The words of a tenant, the same everywhere and for ever.
#[must_use]
pub fn of(tenant: &TenantId) -> [&'static str; COUNT] {
    let list = Language::English.word_list();
    let hash = blake3::derive_key("vestibule 2026-11 v1 pairing words", &tenant.0);
    let mut words = [""; COUNT];
    for (word, pair) in words.iter_mut().zip(hash.chunks_exact(2)) {
        // 2 048 divides 65 536, so every word is equally likely.
        *word = list[usize::from(u16::from_be_bytes([pair[0], pair[1]])) % list.len()];
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r3_the_words_of_a_tenant_never_change() {
        let tenant = TenantId::of_root_key(&[7; 32]);
        insta::assert_snapshot!(of(&tenant).join(" "));
    }

    #[test]
    fn r3_another_tenant_has_other_words() {
        assert_ne!(of(&TenantId([0; 32])), of(&TenantId([1; 32])));
    }
}
