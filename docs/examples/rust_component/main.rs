fn main() {
    println!("Hello!");
}
