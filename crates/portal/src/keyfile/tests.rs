//! Key files: sealed, plain and of roots.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn no_passphrase() -> Result<Zeroizing<String>, Problem> {
    Err(problem::passphrase_needed())
}

fn passphrase(text: &str) -> impl FnOnce() -> Result<Zeroizing<String>, Problem> {
    let text = Zeroizing::new(text.to_owned());
    move || Ok(text)
}

#[test]
fn a_sealed_key_opens_with_its_passphrase_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ada.key");
    let (made, beside) = create(&path, "Ada", Some("correct horse"), &World::real()).unwrap();
    assert_eq!(read_public(&beside).unwrap(), made);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let open = |words: &str| KeyFile::read(&path).unwrap().unlock(passphrase(words));
    let key = open("correct horse").unwrap();
    assert_eq!(Fixed(*key.verifying_key().as_bytes()), made.key);
    assert_eq!(open("wrong horse").unwrap_err().code, "passphrase_wrong");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(&Fixed(key.to_bytes()).to_string()) && !text.contains("secret"));
    // Others may read it: it is sealed. But it cannot be passed off as somebody else's.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(KeyFile::read(&path).is_ok());
    std::fs::write(&path, text.replace("Ada", "Bob")).unwrap();
    assert_eq!(open("correct horse").unwrap_err().code, "passphrase_wrong");
    // What would take a machine's memory is refused before it does.
    std::fs::write(&path, text.replace("\"memory_kib\":65536", "\"memory_kib\":4294967295")).unwrap();
    assert_eq!(open("correct horse").unwrap_err().code, "key_unusable");
}

#[test]
fn a_plain_key_is_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ada.key");
    let (made, _) = create(&path, "Ada", None, &World::real()).unwrap();
    let key = KeyFile::read(&path).unwrap();
    assert_eq!(key.person(), Some("Ada"));
    assert_eq!(Fixed(*key.unlock(no_passphrase).unwrap().verifying_key().as_bytes()), made.key);
    for mode in [0o640, 0o604, 0o644, 0o660] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(KeyFile::read(&path).err().unwrap().code, "key_exposed", "{mode:o}");
    }
}

#[test]
fn a_root_key_file_is_taken_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.root.key");
    write_private(&path, &Fixed([7; 32]).to_string()).unwrap();
    let key = KeyFile::read(&path).unwrap();
    assert_eq!(key.person(), None);
    assert_eq!(key.unlock(no_passphrase).unwrap().to_bytes(), [7; 32]);
}

#[test]
fn key_files_are_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ada.key");
    let make = || create(&path, "Ada", None, &World::real());
    make().unwrap();
    let before = std::fs::read(&path).unwrap();
    assert_eq!(make().unwrap_err().code, "key_exists");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    // Half a pair is in the way as well.
    std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    assert_eq!(make().unwrap_err().code, "key_exists");
    assert!(!path.exists());
}

#[test]
fn other_files_are_no_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    assert_eq!(KeyFile::read(&path).err().unwrap().code, "key_unusable", "missing");
    let public = Fixed(*SigningKey::from_bytes(&[1; 32]).verifying_key().as_bytes());
    let secret = Fixed([2; 32]);
    for text in [
        String::new(),
        "x".repeat(5000),
        "{}".into(),
        format!(
            "{{\"vestibule_key\":2,\"person\":\"A\",\"public\":\"{public}\",\"secret\":\"{}\"}}",
            Fixed([1; 32])
        ),
        format!("{{\"vestibule_key\":1,\"person\":\"A\",\"public\":\"{public}\",\"secret\":\"{secret}\"}}"),
        format!("{{\"vestibule_key\":1,\"person\":\"A\",\"public\":\"{public}\"}}"),
    ] {
        std::fs::write(&path, &text).unwrap();
        assert_eq!(KeyFile::read(&path).err().unwrap().code, "key_unusable", "{text}");
    }
    assert_eq!(read_public(&path).unwrap_err().code, "public_key_unusable");
}
