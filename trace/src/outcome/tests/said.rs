//! What editors, checks and services say when they refuse, and what is no refusal.

use super::*;

#[test]
fn editors_that_refuse_a_change_in_prose_failed() {
    let edit = |text| OutcomeInput {
        tool: "str_replace_editor",
        is_error: Some(false),
        text,
        ..OutcomeInput::default()
    };
    check(
        &edit(
            "ERROR:\nNo replacement was performed, old_str `let till` did not appear verbatim in /shop/till.ts.",
        ),
        "failure edit_mismatch [No replacement was performed, old_str `let till` did not appear verbatim in /shop/till.ts.]",
    );
    check(
        &edit("ERROR:\nParameter `old_str` is required for command: str_replace."),
        "failure bad_arguments [Parameter `old_str` is required for command: str_replace.]",
    );
    check(
        &OutcomeInput {
            tool: "bash",
            command: "edit 2:2\nopen till\nend_of_edit",
            text: "Your proposed edit has introduced new syntax error(s).\n\nERRORS:\n- F821 undefined name 'till'\n\nYour changes have NOT been applied.",
            ..OutcomeInput::default()
        },
        "failure edit_mismatch [Your proposed edit has introduced new syntax error(s).]",
    );
}

#[test]
fn the_failed_row_of_a_table_of_checks_is_its_message() {
    check(
        &OutcomeInput {
            tool: "bash",
            command: "gh pr checks 7 2>&1",
            is_error: Some(true),
            exit_code: Some(1),
            text: "lint the error paths\tpass\t2s\ttill\nunit\tfail\t1m\tdrawer\n",
            ..OutcomeInput::default()
        },
        "failure check_failed [unit\tfail\t1m\tdrawer]",
    );
}

#[test]
fn an_edit_without_its_place_is_told_by_its_first_line_and_not_by_the_code_below() {
    check(
        &OutcomeInput {
            tool: "run_ipython",
            text: "[No exact match found in /shop/till.ts for\n```\n} catch (error) {\n```]",
            ..OutcomeInput::default()
        },
        "failure edit_mismatch [No exact match found in /shop/till.ts for]",
    );
}

#[test]
fn a_shell_that_greets_has_said_what_failed_before() {
    check(
        &OutcomeInput {
            tool: "exec",
            command: "powershell -File till.ps1",
            exit_code: Some(1),
            text: "The argument 'till.ps1' to the -File parameter does not exist.\nWindows PowerShell\nCopyright (C) Microsoft Corporation. All rights reserved.\n\nTry the new one https://aka.ms/pscore6\n\n(Command exited with code 1)",
            ..OutcomeInput::default()
        },
        "failure not_found [The argument 'till.ps1' to the -File parameter does not exist.]",
    );
}

#[test]
fn git_says_why_it_refuses_paths_before_it_names_them() {
    let said = |text| OutcomeInput {
        tool: "Bash",
        command: "./till enable",
        exit_code: Some(1),
        text,
        ..OutcomeInput::default()
    };
    check(
        &said(
            "The following paths are ignored by one of your .gitignore files:\n.till\nhint: Use -f if you really want to add them.\n\n==> Choosing a drawer\nInstalled 6 drawers for the till",
        ),
        "failure bad_arguments [The following paths are ignored by one of your .gitignore files:]",
    );
    check(
        &said(
            "error: Your local changes to the following files would be overwritten by merge:\n\ttill.ts\nPlease commit your changes or stash them before you merge.\nAborting",
        ),
        "failure state [error: Your local changes to the following files would be overwritten by merge:]",
    );
}

#[test]
fn what_kind_of_file_it_is_is_an_answer_whatever_the_file_is_called() {
    check(
        &OutcomeInput {
            tool: "bash",
            command: "file release",
            text: "release: ELF 64-bit LSB executable, version 1 (SYSV), not stripped",
            ..OutcomeInput::default()
        },
        "ok - []",
    );
}

#[test]
fn looks_that_find_nothing_are_answers() {
    for (command, text) in [
        ("grep -n \"till\\|drawer\" shop.ts", "(no output)"),
        ("git config --global core.excludesfile", ""),
        (
            "git ls-files .shop/ && cat .gitignore | grep shop",
            ".shop/till.json",
        ),
        (
            "ssh -T git@host.example",
            "Hi till! You've successfully authenticated, but no shell is given.",
        ),
    ] {
        check(&exec(command, 1, text), "benign - []");
    }
    check(
        &exec(
            "cat gone.txt && grep till a.txt",
            1,
            "cat: gone.txt: No such file or directory",
        ),
        "failure not_found [cat: gone.txt: No such file or directory]",
    );
}

#[test]
fn a_check_that_fails_is_told_by_its_finding() {
    check(
        &exec(
            "just run lint",
            1,
            "[lint] ERROR task failed\nshop/till.go:87:1: Open returns interface (ireturn)\n1 issues:",
        ),
        "failure check_failed [shop/till.go:87:1: Open returns interface (ireturn)]",
    );
    check(
        &exec(
            "npm run check",
            1,
            "  > 3 | // an error of the till\n\n  The change was not applied.",
        ),
        "failure check_failed [The change was not applied.]",
    );
    check(
        &exec(
            "npm run check",
            0,
            "shop/till.ts(3,1): error TS2304: Cannot find name 'drawer'.",
        ),
        "soft_failure check_failed [shop/till.ts(3,1): error TS2304: Cannot find name 'drawer'.]",
    );
}

#[test]
fn a_service_that_refuses_with_success_has_failed() {
    check(
        &exec(
            "curl -X POST https://api.till.example/sales",
            0,
            "  % Total    % Received\n100 83\n{\"statusCode\":404,\"message\":\"Cannot POST /sales\",\"error\":\"Not Found\"}",
        ),
        "soft_failure not_found [Cannot POST /sales]",
    );
    check(
        &exec(
            "curl -s https://api.till.example/x",
            0,
            "{\"message\":\"Resource not found.\"}",
        ),
        "soft_failure not_found [Resource not found.]",
    );
    check(
        &exec(
            "which till || ls /opt/till || echo \"Till not found\"",
            0,
            "till not found\nTill not found",
        ),
        "ok - []",
    );
}

#[test]
fn a_better_reason_in_brackets_decides() {
    check(
        &tool(
            "browser",
            "error",
            "Can't reach the browser service. Start it and try again. (Error: key is required)",
        ),
        "failure bad_arguments [Can't reach the browser service. Start it and try again. (Error: key is required)]",
    );
}

#[test]
fn the_words_of_who_refused_are_told() {
    check(
        &OutcomeInput {
            tool: "Edit",
            is_error: Some(true),
            text: "The user doesn't want to proceed with this tool use. To tell you how to proceed, the user said:\nuse the other till",
            ..OutcomeInput::default()
        },
        "failure user_rejected [use the other till]",
    );
}

#[test]
fn a_tool_without_a_command_line_shows_nothing_that_is_stored() {
    let input = OutcomeInput {
        tool: "book_table",
        text: "Error: no table for nine on that day",
        ..OutcomeInput::default()
    };
    assert_eq!(classify(&input).label, Label::SoftFailure);
}
