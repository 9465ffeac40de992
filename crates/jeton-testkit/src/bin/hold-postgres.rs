//! Starts a cluster, prints where it is and the URL of a database, and waits for standard input to end. With
//! the argument `durable`, commits are on the disk when they are answered, as benchmarks want it. The test of
//! what a killed test process leaves behind kills this one.

#![expect(clippy::print_stdout, reason = "its answer to the test that runs it")]

use jeton_testkit::Cluster;

fn main() -> std::io::Result<()> {
    let is_durable = std::env::args().nth(1).is_some_and(|argument| argument == "durable");
    let cluster = if is_durable { Cluster::durable() } else { Cluster::own() };
    println!("{}", cluster.directory().display());
    println!("{}", cluster.create_database());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}
