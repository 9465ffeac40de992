//! Starts this process's cluster, prints where it is and the URL of a database, and waits for standard input to end.
//! The test of what a killed test process leaves behind kills this one.

#![expect(clippy::print_stdout, reason = "its answer to the test that runs it")]

use jeton_testkit::Cluster;

fn main() -> std::io::Result<()> {
    let cluster = Cluster::shared();
    println!("{}", cluster.directory().display());
    println!("{}", cluster.create_database());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}
