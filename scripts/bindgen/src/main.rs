//! Writes the JavaScript side of a wasm file: `bindgen INPUT.wasm OUTPUT_DIR`.
//!
//! The module it writes can be started afresh after a trap (`__wbg_reset_state`), which `src/edge/entry.js` relies on.
//!
//! The same library that `wasm-bindgen-cli` wraps, without the command's test runner, whose dependencies need a C
//! compiler and OpenSSL's headers and take minutes to build.

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(input), Some(output)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: bindgen INPUT.wasm OUTPUT_DIR");
        std::process::exit(2);
    };
    let written = wasm_bindgen_cli_support::Bindgen::new().input_path(input).web(true).and_then(|bindgen| {
        bindgen
            .out_name("index")
            .typescript(false)
            .reset_state_function(true)
            .remove_name_section(std::env::var_os("KEEP_NAMES").is_none())
            .generate(output)
    });
    if let Err(error) = written {
        eprintln!("bindgen: {error:#}");
        std::process::exit(1);
    }
}
