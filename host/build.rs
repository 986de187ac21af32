//! Has the program built anew when a file of the SDKs or of the contract comes or goes: they are in it.

fn main() {
    println!("cargo::rerun-if-changed=../guest-sdk");
    println!("cargo::rerun-if-changed=../wit");
}
