//! `layerd get`: the merged configuration from a running server, byte by byte as it answers.

use std::time::Duration;

use super::client::{Server, ServerArg};
use super::console::{Console, Exit, Failure};
use super::question::{Question, Spelling};

const TIME: Duration = Duration::from_secs(30);

/// Ask a running server for the merged configuration of an application
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  layerd get user-service
  layerd get user-service production,eu --key server.port
  layerd get user-service production --format env > .env
  layerd get user-service production --raw datasource.url
  eval \"$(layerd get user-service production --format shell --prefix APP_)\"
  layerd get user-service --label next --server https://config.example.org

Ends with 1 if the server has no such label or key. LAYERD_TOKEN goes with the request if it is set.")]
pub(super) struct Args {
    #[command(flatten)]
    question: Question,
    #[command(flatten)]
    spelling: Spelling,
    /// Refuse an application or profile that nothing in the repository names
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    server: ServerArg,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console<'_>) -> Result<Exit, Failure> {
        let server = Server::new(self.server.server.as_deref(), console.environment)?;
        let key = self.spelling.key()?;
        let mut query = [self.question.query(), self.spelling.query(key)].concat();
        query.extend(self.strict.then_some(("strict", "true")));
        let body = server.get(&self.question.path("config")?, &query, TIME)?.body_for("get {}", console)?;
        print_as(self.spelling.is_raw(), &body, console)
    }
}

/// Prints an answer as it is, and the line end that it may lack.
pub(super) fn print(body: &[u8], console: &mut Console<'_>) -> Result<Exit, Failure> {
    console.print_bytes(body)?;
    if !body.is_empty() && !body.ends_with(b"\n") {
        console.print("\n")?;
    }
    Ok(Exit::Done)
}

/// Prints an answer, a raw value without any line end of ours unless somebody looks at it.
pub(super) fn print_as(is_raw: bool, body: &[u8], console: &mut Console<'_>) -> Result<Exit, Failure> {
    if !is_raw || console.is_terminal {
        return print(body, console);
    }
    console.print_bytes(body)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use crate::cli::testing::{Stub, answer, run, silent_url};

    #[test]
    fn the_body_is_printed_as_received() {
        let stub = Stub::new(answer("200 OK", "application/json", r#"{"b":1,"a":18446744073709551616}"#));
        let ran = run(&["get", "user", "--server", &stub.url], &[]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "{\"b\":1,\"a\":18446744073709551616}\n", ""));
        assert!(stub.request().starts_with("GET /api/v1/config/user/default HTTP/1.1\r\n"));
    }

    #[test]
    fn a_line_end_that_is_there_is_not_doubled() {
        let stub = Stub::new(answer("200 OK", "text/plain", "a=1\n"));
        assert_eq!(run(&["get", "user", "--server", &stub.url], &[]).out, "a=1\n");
        let empty = Stub::new(answer("200 OK", "text/plain", ""));
        assert_eq!(run(&["get", "user", "--server", &empty.url], &[]).out, "");
    }

    #[test]
    fn names_are_encoded_and_parameters_sent() {
        let stub = Stub::new(answer("200 OK", "application/yaml", "x"));
        let args = "get a%2Fb?#é p,q --label feature/x&y --key a.b[c&d] --format yaml --resolve all --pretty --server";
        let mut args: Vec<&str> = args.split(' ').collect();
        args.push(&stub.url);
        assert_eq!(run(&args, &[]).code, 0);
        let line = "GET /api/v1/config/a%252Fb%3F%23%C3%A9/p,q?label=feature%2Fx%26y&key=a.b%5Bc%26d%5D&format=yaml\
                    &resolve=all&pretty=true HTTP/1.1\r\n";
        let request = stub.request();
        assert!(request.starts_with(line), "{request}");
    }

    #[test]
    fn the_server_and_the_token_come_from_the_environment_and_a_path_of_the_url_stays() {
        let stub = Stub::new(answer("200 OK", "application/json", "1"));
        let url = format!("{}/config/", stub.url);
        assert_eq!(run(&["get", "user"], &[("LAYERD_URL", &url), ("LAYERD_TOKEN", "t0k")]).out, "1\n");
        let request = stub.request().to_lowercase();
        assert!(request.starts_with("get /config/api/v1/config/user/default http/1.1\r\n"), "{request}");
        assert!(request.contains("\r\nauthorization: bearer t0k\r\n"), "{request}");
    }

    #[test]
    fn a_problem_is_told_with_its_place_and_hint() {
        let problem = r#"{"title":"broken","status":500,"detail":"the file cannot be read:\u001b[2J a tab",
            "file":"user/application.yml","line":3,"column":1,"hint":"use spaces"}"#;
        let stub = Stub::new(answer("500 Internal Server Error", "application/problem+json", problem));
        let ran = run(&["get", "user", "--server", &stub.url], &[]);
        let told = "error: the file cannot be read:\\u{1b}[2J a tab\n  at user/application.yml:3:1\nhint: use spaces\n";
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (3, "", told));
    }

    #[test]
    fn a_warning_goes_to_stderr_with_the_command_that_was_meant() {
        let warning = "nothing in the repository names the application `prod`; did you mean `user/prod`?";
        let headers = format!("application/json\r\nlayerd-warning: {warning}");
        let stub = Stub::new(answer("200 OK", &headers, "{}"));
        let ran = run(&["get", "prod", "user", "--server", &stub.url], &[]);
        let told =
            "warning: nothing in the repository names the application `prod`; did you mean `layerd get user prod`?\n";
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "{}\n", told));
    }

    #[test]
    fn names_that_are_refused_are_told_with_the_command_that_was_meant() {
        let problem =
            r#"{"code":"unknown-application","detail":"nothing names it","hint":"did you mean `user/prod`?"}"#;
        let stub = Stub::new(answer("404 Not Found", "application/problem+json", problem));
        let ran = run(&["get", "prod", "user", "--strict", "--server", &stub.url], &[]);
        let told = "error: nothing names it\nhint: did you mean `layerd get user prod`?\n";
        assert_eq!((ran.code, ran.err.as_str()), (1, told));
        assert!(stub.request().starts_with("GET /api/v1/config/prod/user?strict=true HTTP/1.1\r\n"));
    }

    #[test]
    fn refusals_have_exit_codes_by_their_kind() {
        for (status, code) in [("404 Not Found", 1), ("400 Bad Request", 2), ("401 Unauthorized", 2), ("503 Gone", 3)] {
            let stub = Stub::new(answer(status, "application/problem+json", r#"{"detail":"d"}"#));
            let ran = run(&["get", "user", "--server", &stub.url], &[]);
            assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (code, "", "error: d\n"), "{status}");
        }
        let stub = Stub::new(answer("502 Bad Gateway", "text/html", "<h1>proxy</h1>"));
        let ran = run(&["get", "user", "--server", &stub.url], &[]);
        assert_eq!((ran.code, ran.err.as_str()), (3, "error: the server answered 502 Bad Gateway\n"));
    }

    #[test]
    fn a_server_that_is_not_there_is_told_without_the_password_of_its_url() {
        let url = silent_url();
        let ran = run(&["get", "user", "--server", &url.replace("://", "://me:hunter2@")], &[]);
        let told = format!(
            "error: {url} cannot be reached: Connection refused (os error 111)\n\
             hint: start a server with `layerd serve`, or name one with `--server URL` or LAYERD_URL\n"
        );
        assert_eq!((ran.code, ran.err), (3, told));
    }

    #[test]
    fn what_is_no_address_or_url_is_wrong_usage_and_never_sent() {
        let told = |args: &[&str], variables: &[_]| {
            let ran = run(args, variables);
            assert_eq!((ran.code, ran.out.as_str()), (2, ""));
            ran.err
        };
        assert_eq!(told(&["get", ".."], &[]), "error: application is a relative path\n");
        assert_eq!(told(&["get", "a", "b,"], &[]), "error: profile is empty\n");
        assert_eq!(
            told(&["get", "a", "--server", "localhost:8888"], &[]),
            "error: the URL of the server is no http or https URL\nhint: write it as http://127.0.0.1:8888\n"
        );
        assert_eq!(
            told(&["get", "a"], &[("LAYERD_URL", "ftp://x")]),
            "error: LAYERD_URL is no http or https URL\nhint: write it as http://127.0.0.1:8888\n"
        );
    }
}
