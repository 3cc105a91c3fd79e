//! Embeds the page anew when it was built anew: the macro that embeds it cannot tell.

fn main() {
    println!("cargo:rerun-if-changed=web/dist");
}
