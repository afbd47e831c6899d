//! Arguments in, exit code out. Everything else is in the library.

use std::process::ExitCode;

/// Built without huge pages: they made 42 MiB of what is 15.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    vestibule::commands::main()
}
