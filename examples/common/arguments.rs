//! What the command lines of the examples have in common.

use std::str::FromStr;

/// The option's name and its value: `--name=value`, or `--name` and the next argument.
pub fn split(option: &str, next: impl FnOnce() -> String) -> (String, String) {
    match option.split_once('=') {
        Some((name, value)) => (name.to_owned(), value.to_owned()),
        None => (option.to_owned(), next()),
    }
}

/// The number that is the value of option `name`, or a sentence that says why it is none.
pub fn number(name: &str, value: &str, min: usize, max: usize) -> Result<usize, String> {
    match usize::from_str(value) {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        Ok(_) => Err(format!("{name} must be from {min} to {max}, not {value}")),
        Err(_) => Err(format!("{name} needs a number, not {value:?}")),
    }
}

/// What is said of an option that there is not.
pub fn no_such(name: &str) -> String {
    format!("no such option: {name} (see --help)")
}
