//! A kubectl for tests, a program of its own: `cluster.rs` compiles it, since a script in its place forks so often that its
//! tests took minutes. The cluster is the folder $FAKE: one file for each object in objects/, and a log of all calls. It obeys
//! these files, where they are there (called as `sleep` or `date`, it is these: time passes at once, and stands in `clock`):
//!
//!     refuse        lines `TIMES|PATTERN|MESSAGE`: so many calls that match fail with the message (`\n` breaks a line);
//!                   with `!` before the pattern no dry run does
//!     kill          the number of the call in the middle of which the caller, whose pid is in `pid`, is killed
//!     idle          no controller runs: nothing is looked at, becomes available, finishes, gets an address or goes
//!     stuck         with idle: the controllers run, and have no success
//!     webhook-down  for so many further calls Knative's webhook, once it is configured, answers nobody
//!     noise         what every call says on its standard error
//!     empty-slices  so many further looks at EndpointSlices find `endpoints: null`, as in the first moment
//!     stays         kinds that are not gone after a delete, one a line
//!     slow-scaler   so many further looks at an HPA find it short of its least number of pods
//!     uids/OBJECT, marks/OBJECT   the uid of an object that is not the one it got first; what others wrote on it
//!     context cluster server version nodes controller controller-webhook cert-manager running job   what is said of these
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::exit)]
#![allow(clippy::disallowed_methods)] // it plays the clock

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, exit};
use std::time::{SystemTime, UNIX_EPOCH};

pub fn main() {
    std::env::set_current_dir(std::env::var("FAKE").unwrap()).unwrap();
    let mut arguments: Vec<String> = std::env::args().collect();
    match Path::new(&arguments.remove(0)).file_name().and_then(|name| name.to_str()) {
        Some("date") => {
            return println!("{}", SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + number("clock"));
        }
        Some("sleep") => return sleep(arguments[0].parse().unwrap()),
        _ => {}
    }
    let calls = number("calls") + 1;
    write("calls", &format!("{calls}\n"));
    let line = arguments.join(" ").replace('\n', " ").trim_end().to_owned();
    let mut log = fs::OpenOptions::new().create(true).append(true).open("log").unwrap();
    log.write_all(format!("{line}\n").as_bytes()).unwrap();
    fs::create_dir_all("objects").unwrap();
    eprint!("{}", text("noise"));
    if number("webhook-down") > 0 && is_there("deployment~knative-serving~webhook") {
        write("webhook-down", &(number("webhook-down") - 1).to_string());
    }
    let call = Call { dying: text("kill").trim() == calls.to_string(), ..Call::of(&arguments) };
    if let Some(message) = refused(&line) {
        call.may_die();
        fail(&message);
    }
    call.answer();
}

/// A call, its words taken apart.
#[derive(Default)]
struct Call {
    dying: bool,
    verb: String,
    /// What stands after the verb and is no option.
    words: Vec<String>,
    namespace: String,
    selector: String,
    output: String,
    files: Vec<String>,
    dry: String,
    timeout: u64,
    patch: String,
    all: bool,
    everywhere: bool,
}

impl Call {
    fn of(arguments: &[String]) -> Call {
        let mut call = Call::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().cloned().unwrap_or_default();
            match argument.as_str() {
                "--namespace" => call.namespace = value(),
                "--selector" => call.selector = value(),
                "-o" => call.output = value(),
                "-f" => call.files.push(value()),
                "--patch" => call.patch = value(),
                "--context" | "--field-selector" | "--type" | "--raw" => drop(value()),
                "--all" => call.all = true,
                "--all-namespaces" => call.everywhere = true,
                option => match (option.strip_prefix("--dry-run="), option.strip_prefix("--timeout=")) {
                    (Some(dry), _) => dry.clone_into(&mut call.dry),
                    (_, Some(timeout)) => call.timeout = timeout.trim_end_matches('s').parse().unwrap(),
                    _ if option.starts_with("--") => {}
                    _ => call.words.extend(option.split_whitespace().map(str::to_owned)),
                },
            }
        }
        if !call.words.is_empty() {
            call.verb = call.words.remove(0);
        }
        call
    }

    /// The caller is killed where its time has come.
    fn may_die(&self) {
        if self.dying {
            fs::remove_file("kill").unwrap();
            Command::new("/bin/sh").args(["-c", &format!("kill -9 {}", text("pid").trim())]).status().unwrap();
            exit(1);
        }
    }

    fn answer(&self) {
        match self.verb.as_str() {
            "apply" => return self.apply(),
            "delete" => self.delete(),
            "patch" => return self.patch(),
            _ => self.may_die(),
        }
        match self.verb.as_str() {
            "delete" => {}
            "config" if self.words[0] == "current-context" => said("context", "prod"),
            "config" if self.output.contains("server") => said("server", "https://ABC.gr7.eu-west-1.eks.amazonaws.com"),
            "config" => said("cluster", "arn:aws:eks:eu-west-1:123456789012:cluster/prod"),
            "wait" | "rollout" => self.wait(),
            "api-resources" => println!(
                "configmaps\nsecrets\nservices\nserviceaccounts\ndeployments.apps\njobs.batch\nhorizontalpodautoscalers.autoscaling"
            ),
            "get" if self.files.is_empty() => self.get(),
            "get" => {
                for object in self.files.iter().flat_map(|file| parsed(file)).filter(|o| is_there(&o.file())) {
                    let namespace = if object.namespace.is_empty() { "-" } else { &object.namespace };
                    let uid = uid_of(&object.file());
                    println!("{} {} {namespace} {} {uid}", object.api, object.kind, object.name);
                }
            }
            "logs" => println!("a log"),
            verb => fail(&format!("error: unknown command \"{verb}\"")),
        }
    }

    fn apply(&self) {
        let webhook = is_there("validatingwebhookconfiguration~~config.webhook.serving.knative.dev") && !is_up();
        let mut objects = parsed(self.files.last().unwrap());
        objects.retain(|object| match self.selector.split_once(" notin ") {
            Some((_, labels)) => object.app.is_empty() || !labels.contains(&object.app),
            None if self.selector.contains(" in ") => !object.app.is_empty() && self.selector.contains(&object.app),
            None => self.selector.is_empty() || self.selector == format!("app={}", object.app),
        });
        for object in objects.iter().filter(|o| o.resource().contains('.')) {
            let (name, kind) = (&object.name, object.resource());
            if !is_there(&format!("customresourcedefinition~~{kind}")) {
                fail(&format!(
                    "error: resource mapping not found for name: \"{name}\": no matches for kind \"{kind}\"\nensure CRDs are \
                     installed first"
                ));
            }
        }
        let half = if self.dying { objects.len() / 2 } else { objects.len() };
        let mut bad = false;
        for object in &objects[..half] {
            let (space, name) = (&object.namespace, &object.name);
            if !["", "kube-system"].contains(&space.as_str())
                && !is_there(&format!("namespace~~{space}"))
                && self.dry != "client"
            {
                eprintln!("Error from server (NotFound): error when creating \"f\": namespaces \"{space}\" not found");
                bad = true;
                continue;
            }
            let judged =
                object.resource() == "configmap" && space == "knative-serving" && !name.starts_with("knrender");
            if webhook && judged {
                eprintln!(
                    "Error from server (InternalError): error when applying patch:\n{{\"data\":{{}}}}\nto:\nName: \"{name}\"\nfor: \
                     \"f\": error when patching \"f\": Internal error occurred: failed calling webhook \
                     \"config.webhook.serving.knative.dev\": failed to call webhook: no endpoints available for service \"webhook\""
                );
                bad = true;
                continue;
            }
            let file = format!("objects/{}", object.file());
            let was = text(&file);
            let done = match was.as_str() {
                "" => "created",
                was if was == object.text => "unchanged",
                _ => "configured",
            };
            let dry = if self.dry.is_empty() { String::new() } else { format!(" ({} dry run)", self.dry) };
            println!("{}/{name} {done}{dry}", object.resource());
            if dry.is_empty() {
                write(&file, &object.text);
            }
        }
        self.may_die();
        exit(i32::from(bad));
    }

    fn delete(&self) {
        let kind = canon(&self.words[0]);
        let mut names: Vec<String> = self.words[1..].to_vec();
        if self.all {
            names.extend(matching(&kind, None, "*").iter().map(|object| name_of(object).to_owned()));
        }
        for object in names.iter().flat_map(|name| self.matching(&kind, name)) {
            let name = name_of(&object);
            println!("{kind} \"{name}\" deleted");
            if !self.dry.is_empty() || text("stays").lines().any(|stays| stays == kind) {
                continue;
            }
            let _ = fs::remove_file(format!("objects/{object}"));
            if kind == "namespace" {
                for inside in objects().iter().filter(|o| o.split('~').nth(1) == Some(name)) {
                    fs::remove_file(format!("objects/{inside}")).unwrap();
                }
            }
            if ["configmap-config-domain", "namespace-knative-serving"].contains(&format!("{kind}-{name}").as_str()) {
                let _ = fs::remove_file("domains");
            }
            self.may_die();
        }
        self.may_die();
    }

    /// The domains are the keys of config-domain, which has `_example` as well.
    fn patch(&self) {
        if self.words.get(1).is_none_or(|name| name != "config-domain") {
            fail("error: no");
        }
        let mut domains: Vec<String> = text("domains").lines().map(str::to_owned).collect();
        for part in self.patch.split([',', '{', '}']) {
            match part.split_once(':') {
                Some((key, "null")) => domains.retain(|domain| domain != key.trim_matches('"')),
                Some((key, "\"\"")) => domains.push(key.trim_matches('"').to_owned()),
                _ => {}
            }
        }
        write("domains", &domains.iter().map(|domain| format!("{domain}\n")).collect::<String>());
        self.may_die();
        println!("configmap/config-domain patched");
    }

    fn wait(&self) {
        if self.words.iter().any(|word| word.starts_with("crd/")) {
            for crd in &self.words {
                if !is_there(&crd.replace("crd/", "customresourcedefinition~~")) {
                    fail(&format!("Error from server (NotFound): {crd} not found"));
                }
            }
            return;
        }
        let deployment = self.words.get(1).and_then(|word| word.strip_prefix("deployment/"));
        if let Some(name) = deployment.filter(|name| !is_there(&format!("deployment~{}~{name}", self.namespace))) {
            fail(&format!("Error from server (NotFound): deployment/{name} not found"));
        }
        if there("idle") {
            sleep(self.timeout);
            if self.verb == "rollout" {
                println!(
                    "Waiting for deployment \"{}\" rollout to finish: 0 of 1 updated replicas are available...",
                    deployment.unwrap_or_default()
                );
            }
            fail("error: timed out waiting for the condition");
        }
    }

    fn get(&self) {
        let (namespace, output) = (self.namespace.as_str(), self.output.as_str());
        let kind = self.words.first().map_or("version", String::as_str);
        let name = self.words.get(1).map_or("", String::as_str);
        let deployment = || is_there(&format!("deployment~{namespace}~{name}"));
        if kind == "crd" && name == "clusterissuers.cert-manager.io" {
            return said(
                "cert-manager",
                "customresourcedefinition.apiextensions.k8s.io/clusterissuers.cert-manager.io",
            );
        }
        if output.contains("define \"it\"") || kind == "configmap" && output == "name" {
            return self.get_objects();
        }
        match kind {
            "version" => {
                let version = or("version", "v1.36.2-eks-abc");
                println!("{{\n  \"major\": \"1\",\n  \"gitVersion\": \"{}\"\n}}", version.trim());
            }
            "nodes" => said("nodes", "node/fargate-ip-10-0-0-1"),
            "apiservice" => println!("apiservice/v1beta1.metrics.k8s.io"),
            "ingressclass" => said("controller", "ingressclass/alb"),
            "mutatingwebhookconfigurations,validatingwebhookconfigurations" => {
                said("controller-webhook", "aws-load-balancer-webhook kube-system aws-load-balancer-webhook-service");
            }
            "endpointslices" if count_down("empty-slices") => {
                if output.starts_with("jsonpath") && output.contains("[?(") {
                    fail(
                        "error: error executing jsonpath: Error executing template: <nil> is not array or slice and cannot be filtered",
                    );
                }
            }
            "endpointslices" if self.selector.ends_with("=aws-load-balancer-webhook-service") => {
                said("controller", "10.0.0.1");
            }
            "endpointslices" if is_up() => println!("10.0.0.2"),
            "endpointslices" => {}
            "deployments" if self.everywhere => said("controller", "deployment.apps/aws-load-balancer-controller"),
            "deployments" if there("running") => print!("{}", text("running")),
            "deployments" => {
                for object in matching("deployment", Some("knative-serving"), "*") {
                    let deployment = text(&format!("objects/{object}"));
                    if let Some(version) = value_of(&deployment, "    app.kubernetes.io/version:") {
                        println!("knative-serving {} ", version.trim_matches('"'));
                    }
                }
            }
            "job" if is_there(&format!("job~{namespace}~{name}")) && !there("idle") => said("job", "Complete"),
            "job" => {}
            "pods" | "events" if output.contains("readinessGates") => {
                print!("{}", text("ungated"));
                let _ = fs::remove_file("ungated");
            }
            "deployments,pods" if there("idle") => {
                for object in matching("deployment", Some(namespace), "*") {
                    println!("deployment.apps/{}   0/1   1   0   5m", name_of(&object));
                }
            }
            "deployments,pods" | "pods" | "events" => eprintln!("No resources found"),
            "deployment" if !deployment() => {}
            "deployment" if output.contains("observedGeneration") => {
                if !there("idle") || there("stuck") {
                    println!("1");
                }
            }
            "deployment" if output.contains("conditions") => {
                println!("{name} {}", if there("idle") { "False" } else { "True" });
            }
            "deployment" => println!("app={name},"),
            "configmaps" => {
                for object in matching("configmap", Some(namespace), "*") {
                    if name_of(&object).starts_with("knrender-inventory.") {
                        println!("inventory {}", name_of(&object));
                        let inventory = text(&format!("objects/{object}"));
                        let entries = inventory.lines().filter_map(|line| line.strip_prefix("    "));
                        entries.filter(|line| line.matches(' ').count() > 2).for_each(|line| println!("{line}"));
                    }
                }
            }
            "configmap" => print!("_example\n{}", text("domains")),
            _ => self.get_objects(),
        }
    }

    fn get_objects(&self) {
        let output = self.output.as_str();
        let kinds: Vec<String> = self.words[0].split(',').map(canon).collect();
        let names = if self.words.len() > 1 { &self.words[1..] } else { &["*".to_owned()][..] };
        let first = text(&format!("objects/{}~{}~{}", kinds[0], self.namespace, names[0]));
        if output.contains("currentReplicas") {
            let least = value_of(&first, "  minReplicas:").unwrap_or_default();
            let target = first.split_once("scaleTargetRef").and_then(|(_, rest)| value_of(rest, "    name:"));
            let now = if count_down("slow-scaler") || least.is_empty() { "1" } else { least };
            println!("{least} {now} {}", target.unwrap_or_default());
        } else if output.contains("load-balancer-attributes") {
            if let Some((_, rest)) = first.split_once("load-balancer-attributes: ") {
                println!("{}", rest.lines().next().unwrap_or_default());
            }
        } else if output.contains("loadBalancer") {
            if !first.is_empty() && !there("idle") {
                said("address", "k8s-1.eu-west-1.elb.amazonaws.com");
            }
        } else {
            for kind in &kinds {
                for object in names.iter().flat_map(|name| self.matching(kind, name)) {
                    show(kind, &object, output);
                }
            }
        }
    }

    fn matching(&self, kind: &str, name: &str) -> BTreeSet<String> {
        matching(kind, (!self.everywhere).then_some(&self.namespace), name)
    }
}

fn show(kind: &str, object: &str, output: &str) {
    let name = name_of(object);
    match output {
        "name" if kind == "customresourcedefinition" => println!("{kind}.apiextensions.k8s.io/{name}"),
        "name" => println!("{kind}/{name}"),
        _ if output.contains("define \"it\"") => {
            println!("{name} {} {}", uid_of(object), text(&format!("marks/{object}")).trim_end());
        }
        _ if output.contains(".apiVersion") => {
            let text = text(&format!("objects/{object}"));
            let of = |key| value_of(&text, key).unwrap_or_default();
            let namespace = object.split('~').nth(1).filter(|n| !n.is_empty()).unwrap_or("-");
            println!("{} {} {namespace} {name}", of("apiVersion:"), of("kind:"));
        }
        _ => println!("{name}"),
    }
}

/// An object in a manifest.
#[derive(Default)]
struct Object {
    api: String,
    kind: String,
    namespace: String,
    name: String,
    /// Its label `app`.
    app: String,
    text: String,
}

impl Object {
    /// The kind as it stands in the names of files: in lower case; that of a CRD as the CRD is named.
    fn resource(&self) -> String {
        let group = self.api.split_once('/').map_or("", |(group, _)| group);
        let kind = self.kind.to_lowercase();
        if !is_custom(group) {
            return kind;
        }
        format!("{}.{group}", plural(&kind))
    }

    fn file(&self) -> String {
        format!("{}~{}~{}", self.resource(), self.namespace, self.name)
    }
}

/// The objects of a file, or of standard input.
fn parsed(file: &str) -> Vec<Object> {
    let mut manifest = String::new();
    match file {
        "-" => drop(std::io::stdin().read_to_string(&mut manifest).unwrap()),
        file => manifest = text(file),
    }
    let (mut objects, mut object) = (Vec::new(), Object::default());
    let (mut top, mut step) = ("", None);
    for line in manifest.lines() {
        if line.starts_with("---") {
            objects.push(std::mem::take(&mut object));
            continue;
        }
        object.text.push_str(line);
        object.text.push('\n');
        let mut words = line.split_whitespace();
        let (key, value) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            match key {
                "apiVersion:" => value.clone_into(&mut object.api),
                "kind:" => value.clone_into(&mut object.kind),
                _ => {}
            }
            (top, step) = (key, None);
        } else if top == "metadata:" {
            let at = line.len() - line.trim_start().len();
            let depth = *step.get_or_insert(at);
            match key {
                "name:" if at == depth => object.name = value.replace('"', ""),
                "namespace:" if at == depth => object.namespace = value.replace('"', ""),
                "app:" if at > depth => value.clone_into(&mut object.app),
                _ => {}
            }
        }
    }
    objects.push(object);
    objects.retain(|object| !object.api.is_empty());
    objects
}

/// The kind as in [`Object::resource`], from what was asked for.
fn canon(asked: &str) -> String {
    let (kind, group) = asked.split_once('.').unwrap_or((asked, ""));
    if kind == "crd" {
        "customresourcedefinition".to_owned()
    } else if is_custom(group) {
        format!("{}.{group}", plural(kind))
    } else if let Some(stem) = kind.strip_suffix("sses") {
        format!("{stem}ss")
    } else if let Some(stem) = kind.strip_suffix("ies") {
        format!("{stem}y")
    } else {
        kind.strip_suffix('s').filter(|stem| !stem.ends_with('s')).unwrap_or(kind).to_owned()
    }
}
fn is_custom(group: &str) -> bool {
    group.contains('.') && !group.ends_with(".k8s.io")
}
fn plural(kind: &str) -> String {
    match kind.strip_suffix('y') {
        Some(stem) if !stem.ends_with('a') => format!("{stem}ies"),
        _ if kind.ends_with('s') => kind.to_owned(),
        _ => format!("{kind}s"),
    }
}

/// Files of objects, in order.
fn objects() -> BTreeSet<String> {
    fs::read_dir("objects").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
/// Those of a kind in a namespace, or in all, with a name, or all (`*`).
fn matching(kind: &str, namespace: Option<&str>, name: &str) -> BTreeSet<String> {
    let fits = |object: &String| {
        let mut parts = object.split('~');
        parts.next() == Some(kind)
            && parts.next().is_some_and(|its| namespace.is_none_or(|wanted| wanted == its))
            && (name == "*" || parts.next() == Some(name))
    };
    objects().into_iter().filter(fits).collect()
}
fn name_of(object: &str) -> &str {
    object.rsplit('~').next().unwrap_or_default()
}
/// Each object has a uid of its own, and keeps it.
fn uid_of(object: &str) -> String {
    let uid = object.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    or(&format!("uids/{object}"), &uid).trim_end().to_owned()
}
/// The rest of the first line that starts so.
fn value_of<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim)
}

/// The message of the first rule in `refuse` that the call matches and whose times are not used up.
fn refused(line: &str) -> Option<String> {
    let rules = text("refuse");
    let taken = |rule: &&str| {
        let mut parts = rule.splitn(3, '|');
        let times: u64 = parts.next().unwrap().parse().unwrap();
        let pattern = parts.next().unwrap();
        let is_meant = !pattern.starts_with('!') || !line.contains("--dry-run");
        times > 0 && is_meant && matches(pattern.trim_start_matches('!'), line)
    };
    let rule = rules.lines().find(taken)?;
    let (times, rest) = rule.split_once('|').unwrap();
    let fewer = format!("{}|{rest}", times.parse::<u64>().unwrap() - 1);
    write("refuse", &rules.replacen(rule, &fewer, 1));
    Some(rest.split_once('|').unwrap().1.replace("\\n", "\n"))
}
/// As a shell's pattern with `*`.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    (0..=text.len()).filter(|at| text.is_char_boundary(*at)).any(|at| matches(rest, &text[at..]))
}

fn there(file: &str) -> bool {
    Path::new(file).exists()
}
fn is_there(object: &str) -> bool {
    there(&format!("objects/{object}"))
}
/// The text of a file; nothing where there is none.
fn text(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default()
}
fn write(file: &str, text: &str) {
    fs::write(file, text).unwrap();
}
fn number(file: &str) -> u64 {
    text(file).trim().parse().unwrap_or(0)
}
/// Whether a number in a file was more than 0; it is one less then.
fn count_down(file: &str) -> bool {
    let number = number(file);
    if number > 0 {
        write(file, &(number - 1).to_string());
    }
    number > 0
}
fn sleep(seconds: u64) {
    write("clock", &(number("clock") + seconds).to_string());
}
fn or(file: &str, otherwise: &str) -> String {
    if there(file) { text(file) } else { otherwise.to_owned() }
}
/// What a file says, or something else.
fn said(file: &str, otherwise: &str) {
    let text = or(file, otherwise);
    if !text.is_empty() {
        println!("{}", text.trim_end());
    }
}
fn is_up() -> bool {
    !there("idle") && number("webhook-down") == 0 && is_there("deployment~knative-serving~webhook")
}
fn fail(message: &str) -> ! {
    eprintln!("{message}");
    exit(1)
}
