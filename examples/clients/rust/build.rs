fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["webhook", "event", "delivery"].map(|name| format!("carillon/v1/{name}.proto"));
    let descriptors = protox::compile(files, ["carillon/proto", "carillon/third_party/proto"])?;
    tonic_prost_build::configure().build_server(false).include_file("api.rs").compile_fds(descriptors)?;
    Ok(())
}
