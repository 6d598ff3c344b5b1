//! The binary: see `jethub::cli`.

fn main() -> std::process::ExitCode {
    jethub::cli::main()
}
