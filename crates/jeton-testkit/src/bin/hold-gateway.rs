//! Starts a gateway from its recipe, prints where clients come to it and where it writes the request that it asks about, and waits
//! for standard input to end: `hold-gateway NAME API [JETON]`, two addresses. Where Jeton's is left out it asks nobody.

#![expect(clippy::print_stdout, reason = "its answer to the benchmark that runs it")]

use jeton_testkit::gateway::{Gateway, Kind};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: hold-gateway NAME API [JETON]");
    let name = next()?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or("there is no such gateway")?;
    let api = next()?.parse()?;
    let jeton = next().ok().map(|address| address.parse()).transpose()?;
    let gateway = Gateway::start(kind, jeton, api);
    println!("{}\n{}", gateway.front(), kind.source());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}
