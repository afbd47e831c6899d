//! The programs and the image as files: sizes, digests, contents.

use sha2::{Digest as _, Sha256};
use tokio::process::Command;

use super::engine::Engine;
use super::{Failure, Table, built, line, output_of, root};

/// The image's name while it is checked.
pub(crate) const TAG: &str = "vestibule-image-check";
/// Everything that may be in the image. The engine itself adds places for what it mounts.
const CONTENTS: [&str; 2] = ["usr/bin/vestibule", "usr/share/vestibule/sbom.json"];
const OF_THE_ENGINE: [&str; 8] = [
    ".dockerenv",
    "dev/console",
    "etc/hostname",
    "etc/hosts",
    "etc/mtab",
    "etc/resolv.conf",
    "dev/pts",
    "data",
];
/// DESIGN section 12, compressed.
const MOST_BYTES: f64 = 5e6;

/// Sizes of both programs, and whether a second build gave the same one.
pub(crate) fn programs(table: &mut Table) -> Result<(), Failure> {
    for arch in ["amd64", "aarch64"] {
        match std::fs::read(built().join(arch).join("vestibule")) {
            Ok(bytes) => {
                table.shown("program", arch, bytes.len() as f64 / 1e6, "MB");
                line(&format!("{arch}: sha256 {}", sha256(&bytes)));
            }
            Err(error) => table.skipped(&format!("program for {arch}"), &error.to_string()),
        }
    }
    let first = std::fs::read(built().join("amd64/vestibule"))?;
    match std::fs::read(built().join("again/vestibule")) {
        Ok(second) => {
            let differing = first.iter().zip(&second).filter(|(a, b)| a != b).count();
            let differing = differing + first.len().abs_diff(second.len());
            table.most("bytes that differ in a second build", "amd64", differing as f64, "bytes", 0.0);
        }
        Err(error) => table.skipped("a second build", &error.to_string()),
    }
    Ok(())
}

/// In the form that everybody else's tools print.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Builds the image for amd64 from the program that lies there, and looks into it.
pub(crate) async fn build(table: &mut Table, engine: &Engine) -> Result<(), Failure> {
    let mut command = engine.docker();
    command.current_dir(root()).args(["build", "-q", "-t", TAG]);
    command.args(["--build-arg", "SOURCE=prebuilt", "--build-arg", "BUILD_ARCH=amd64", "."]);
    let digest = output_of(&mut command).await?;
    line(&format!("image: {digest}"));
    let format = "{{.Size}} {{json .Config.Labels}} {{json .Config.Entrypoint}} {{json .Config.Healthcheck}}";
    let said = output_of(engine.docker().args(["image", "inspect", "--format", format, TAG])).await?;
    let (size, config) = said.split_once(' ').unwrap_or((&said, ""));
    line(config);
    table.shown("image", "amd64", size.parse::<f64>()? / 1e6, "MB");

    let folder = tempfile::tempdir()?;
    let (saved, files) = (folder.path().join("image.tar"), folder.path().join("files.tar"));
    output_of(engine.docker().arg("save").arg("-o").arg(&saved).arg(TAG)).await?;
    output_of(Command::new("gzip").arg("-9").arg(&saved)).await?;
    let packed = std::fs::metadata(saved.with_extension("tar.gz"))?.len();
    table.most("image, compressed", "amd64", packed as f64 / 1e6, "MB", MOST_BYTES / 1e6);

    let container = output_of(engine.docker().args(["create", TAG])).await?;
    output_of(engine.docker().arg("export").arg("-o").arg(&files).arg(&container)).await?;
    output_of(engine.docker().args(["rm", &container])).await?;
    let list = output_of(Command::new("tar").arg("tf").arg(&files)).await?;
    let found: Vec<&str> = list.lines().filter(|path| !path.ends_with('/')).collect();
    let of_ours = |path: &&&str| CONTENTS.contains(*path);
    let strange: Vec<&&str> =
        found.iter().filter(|path| !of_ours(path) && !OF_THE_ENGINE.contains(*path)).collect();
    line(&format!("contents: {}", found.iter().filter(of_ours).copied().collect::<Vec<_>>().join(", ")));
    if !strange.is_empty() {
        line(&format!("what else is in it: {strange:?}"));
    }
    table.most("files that do not belong into it", "amd64", strange.len() as f64, "files", 0.0);
    let missing = CONTENTS.iter().filter(|path| !found.contains(path)).count();
    table.most("files that are missing", "amd64", missing as f64, "files", 0.0);
    Ok(())
}
