//! The AppArmor profile: that it can be read, and, where the kernel has AppArmor, that nothing the program does is refused.

use std::path::Path;

use tokio::process::Command;

use super::{Failure, Table, output_of, root};

/// Where a kernel with AppArmor says so.
const KERNEL: &str = "/sys/kernel/security/apparmor/profiles";

/// Whether it can be enforced here.
pub(crate) fn is_enforced() -> bool {
    Path::new(KERNEL).exists()
}

/// Compiles the profile, under its own name and under the one that the Supervisor gives it.
pub(crate) async fn parse(table: &mut Table) -> Result<(), Failure> {
    let file = root().join("apparmor.txt");
    if output_of(Command::new("apparmor_parser").arg("--version")).await.is_err() {
        table.skipped("AppArmor profile", "there is no apparmor_parser");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let renamed = folder.path().join("profile");
    let text = std::fs::read_to_string(&file)?;
    std::fs::write(&renamed, text.replace("\nprofile vestibule ", "\nprofile 0a1b2c3d_vestibule "))?;
    for file in [&file, &renamed] {
        output_of(Command::new("apparmor_parser").args(["-Q", "-K", "-T"]).arg(file)).await?;
    }
    table.most("faults in the AppArmor profile", "both names", 0.0, "faults", 0.0);
    if is_enforced() {
        output_of(Command::new("apparmor_parser").arg("-r").arg(&file)).await?;
    } else {
        table.skipped("AppArmor in enforce mode", "this kernel has no AppArmor");
    }
    Ok(())
}

/// How often the kernel has refused the program something, as far as it still remembers.
pub(crate) async fn denials(table: &mut Table) -> Result<(), Failure> {
    let log = output_of(&mut Command::new("dmesg")).await?;
    let of_ours =
        |line: &&str| line.contains("apparmor=\"DENIED\"") && line.contains("profile=\"vestibule\"");
    let number = log.lines().filter(of_ours).count();
    table.most("refused by AppArmor", "amd64", number as f64, "times", 0.0);
    Ok(())
}
