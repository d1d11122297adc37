fn main() {
    let name = std::env::args().nth(1).unwrap_or_else(|| "OCI".to_owned());
    println!("Hello, {name}, from a WebAssembly component!");
}
