use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

fn files(pairs: &[(&str, &str)]) -> Files {
    let files = pairs.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    files.collect::<BTreeMap<_, _>>().into()
}

/// Every file below a folder, hidden ones included, with its text.
fn tree(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(dir).sort_by_file_name().into_iter().map(Result::unwrap) {
        if entry.depth() > 0 {
            let path = entry.path().strip_prefix(dir).unwrap().display().to_string();
            let text =
                if entry.file_type().is_file() { fs::read_to_string(entry.path()).unwrap() } else { "(folder)".into() };
            found.insert(path, text);
        }
    }
    found
}

fn old() -> Files {
    files(&[("first.yaml", "a: 1\n"), ("second.yaml", "b: 1\n"), ("alb/values.yaml", "v\n"), ("about/p.json", "{}\n")])
}

fn new() -> Files {
    files(&[("first.yaml", "a: 2\n"), ("third.yaml", "c: 1\n"), ("about/p.json", "{}\n"), ("apply.sh", "#!/bin/sh\n")])
}

#[test]
fn a_render_replaces_the_last_one_and_leaves_other_files_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("README.md"), "mine").unwrap();
    assert_eq!(write(dir.path(), &old()).unwrap().replaced.len(), 5);
    let written = write(dir.path(), &new()).unwrap();
    assert_eq!(written.replaced, ["about/files.txt", "apply.sh", "first.yaml", "third.yaml"]);
    assert_eq!(written.removed, ["alb/values.yaml", "second.yaml"]);
    let tree = tree(dir.path());
    assert_eq!(
        tree.keys().map(String::as_str).collect::<Vec<_>>(),
        ["README.md", "about", "about/files.txt", "about/p.json", "apply.sh", "first.yaml", "third.yaml"]
    );
    assert_eq!(tree["about/files.txt"], "about/files.txt\nabout/p.json\napply.sh\nfirst.yaml\nthird.yaml\n");
    assert_eq!(tree["first.yaml"], "a: 2\n");
}

#[test]
fn the_same_render_touches_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &old()).unwrap();
    let time = |p: &str| fs::metadata(dir.path().join(p)).unwrap().modified().unwrap();
    let before = (time("first.yaml"), time("about"), time("."));
    assert_eq!(write(dir.path(), &old()).unwrap(), Written::default());
    assert_eq!((time("first.yaml"), time("about"), time(".")), before);
}

#[cfg(unix)]
#[test]
fn scripts_can_be_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &new()).unwrap();
    let mode = |p: &str| fs::metadata(dir.path().join(p)).unwrap().permissions().mode() & 0o111;
    assert!(mode("apply.sh") != 0 && mode("first.yaml") == 0);
}

#[test]
fn a_foreign_manifest_at_the_top_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &old()).unwrap();
    let before = tree(dir.path());
    for name in ["mine.yaml", "mine.YML", "mine.json"] {
        let path = dir.path().join(name);
        fs::write(&path, "x").unwrap();
        let error = write(dir.path(), &new()).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("kubectl apply -f"), "{error}");
        fs::remove_file(path).unwrap();
    }
    assert_eq!(tree(dir.path()), before);
}

#[test]
fn a_foreign_file_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("apply.sh"), "mine").unwrap();
    let error = write(dir.path(), &new()).unwrap_err().to_string();
    assert!(error.contains("apply.sh") && error.contains("overwrite"), "{error}");
    fs::write(dir.path().join("apply.sh"), "#!/bin/sh\n").unwrap();
    write(dir.path(), &new()).unwrap();
}

#[cfg(unix)]
#[test]
fn a_symlink_in_the_way_is_an_error_and_nothing_is_written_through_it() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("first.yaml"), "theirs").unwrap();
    for (link, target) in [("first.yaml", outside.path().join("first.yaml")), ("about", outside.path().to_owned())] {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(target, dir.path().join(link)).unwrap();
        let error = write(dir.path(), &old()).unwrap_err().to_string();
        assert!(error.contains(link) && error.contains("a symbolic link"), "{error}");
    }
    assert_eq!(tree(outside.path()).len(), 1);
    assert_eq!(fs::read_to_string(outside.path().join("first.yaml")).unwrap(), "theirs");
}

#[cfg(unix)]
#[test]
fn the_folder_itself_may_be_a_symlink() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("real")).unwrap();
    std::os::unix::fs::symlink("real", dir.path().join("out")).unwrap();
    write(&dir.path().join("out"), &old()).unwrap();
    assert!(dir.path().join("real/first.yaml").exists());
}

#[test]
fn a_folder_or_file_in_the_way_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("first.yaml")).unwrap();
    let error = write(dir.path(), &old()).unwrap_err().to_string();
    assert!(error.contains("first.yaml is a folder, and a file has to be there"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("about"), "").unwrap();
    let error = write(dir.path(), &old()).unwrap_err().to_string();
    assert!(error.contains("about is a file, and a folder has to be there"), "{error}");
    let error = write(&dir.path().join("about"), &old()).unwrap_err().to_string();
    assert!(error.contains("nothing was changed"), "{error}");
}

#[test]
fn a_list_that_leads_outside_is_refused_and_nothing_is_removed() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("out");
    fs::write(parent.path().join("precious"), "").unwrap();
    write(&dir, &old()).unwrap();
    for entry in ["../precious", "/etc/passwd", "a//b", "a/./b", "", "a\\..\\b", "c:x", ".knrender-stage/x"] {
        fs::write(dir.join("about/files.txt"), format!("first.yaml\n{entry}\n")).unwrap();
        let error = write(&dir, &new()).unwrap_err().to_string();
        assert!(error.contains("files.txt, line 2"), "{entry}: {error}");
    }
    assert!(parent.path().join("precious").exists());
}

#[test]
fn a_journal_that_leads_outside_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("out");
    fs::write(parent.path().join("precious"), "").unwrap();
    for entry in ["remove ../precious", "place 0 ../precious", "place x a", "steal a", "remove"] {
        fs::create_dir_all(dir.join(STAGE)).unwrap();
        fs::write(dir.join(STAGE).join("journal"), entry).unwrap();
        assert!(write(&dir, &new()).unwrap_err().to_string().contains("journal, line 1"), "{entry}");
    }
    assert!(parent.path().join("precious").exists());
}

#[test]
fn killed_at_any_step_the_next_run_completes_or_undoes_the_swap() {
    let clean = |content: &Files| {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), content).unwrap();
        tree(dir.path())
    };
    let (old_tree, new_tree) = (clean(&old()), clean(&new()));
    std::panic::set_hook(Box::new(|_| ()));
    let mut kills = 0;
    for stop_at in 0.. {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &old()).unwrap();
        let count = Cell::new(0);
        let killed = catch_unwind(AssertUnwindSafe(|| {
            write_in_steps(dir.path(), &new(), &|| {
                assert!(count.get() != stop_at, "killed");
                count.set(count.get() + 1);
            })
        }));
        let left = tree(dir.path());
        let begun = left.contains_key(".knrender-stage/journal");
        if !begun {
            let visible: BTreeMap<_, _> = left.into_iter().filter(|(p, _)| !p.starts_with(STAGE)).collect();
            assert!(visible == old_tree || visible == new_tree, "step {stop_at}: a mixture without a journal");
        }
        // Whatever comes next, the same or something else, the folder is then exactly that.
        let content = if stop_at % 2 == 0 { old() } else { new() };
        write(dir.path(), &content).unwrap();
        assert_eq!(
            tree(dir.path()),
            if stop_at % 2 == 0 { old_tree.clone() } else { new_tree.clone() },
            "step {stop_at}"
        );
        if killed.is_ok() {
            break;
        }
        kills += 1;
    }
    let _ = std::panic::take_hook();
    assert!(kills > 15, "{kills}");
}

#[test]
fn a_second_run_at_the_same_time_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &old()).unwrap();
    let held = lock(dir.path()).unwrap();
    let error = write(dir.path(), &new()).unwrap_err();
    assert!(matches!(error, OutputError::Busy { .. }), "{error}");
    drop(held);
    write(dir.path(), &new()).unwrap();
}

#[cfg(target_os = "linux")]
#[allow(clippy::print_stdout)]
#[test]
fn a_full_disk_shows_while_staging_and_changes_nothing() {
    let disk = tempfile::tempdir().unwrap();
    let mount = |arguments: &[&str]| {
        std::process::Command::new(arguments[0])
            .args(&arguments[1..])
            .arg(disk.path())
            .status()
            .is_ok_and(|s| s.success())
    };
    if !mount(&["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs"]) {
        println!("passed without looking: no right to mount a small disk");
        return;
    }
    let dir = disk.path().join("out");
    write(&dir, &old()).unwrap();
    let before = tree(&dir);
    let large = files(&[("first.yaml", &"x".repeat(40_000)), ("second.yaml", &"y".repeat(40_000))]);
    let result = write(&dir, &large);
    let after = tree(&dir);
    assert!(mount(&["umount"]));
    let error = result.unwrap_err().to_string();
    assert!(error.contains("No space left") && error.contains("nothing was changed"), "{error}");
    assert_eq!(after, before);
}
