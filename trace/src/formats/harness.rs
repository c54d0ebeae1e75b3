//! What each coding harness writes in the user's name: wrappers, beginnings of whole turns, single lines.
//!
//! Only exact wording that a harness is known to write stands here, and only for that harness, so that a person who
//! speaks of one keeps the words. Neighbours: `envelope` takes turns apart by these. Must not know about detectors.

/// The wording of one harness.
#[derive(Debug)]
pub(crate) struct Harness {
    /// Wrappers whose whole inside is the harness's, besides those that all may write.
    pub(super) tags: &'static [&'static str],
    /// Beginnings of turns in which nobody typed anything, besides those that all may write.
    pub(super) starts: &'static [&'static str],
    /// Beginnings of a first line that is a notice; a person's words may follow.
    pub(super) first_lines: &'static [&'static str],
    /// Beginnings of lines that stand among a person's words.
    pub(super) lines: &'static [&'static str],
    /// Lines around what the harness put among a person's words.
    pub(super) enclosed: &'static [(&'static str, &'static str)],
    /// How a turn begins, and the line after the last of which the person's words stand then.
    pub(super) headings: &'static [(&'static str, &'static str)],
}

/// A harness of which nothing but what all share is known.
pub(crate) const ANY: Harness = Harness {
    tags: &[],
    starts: &[],
    first_lines: &[],
    lines: &[],
    enclosed: &[],
    headings: &[],
};

/// Wrappers that are taken off in every format: sessions are carried from one harness to another.
pub(super) const TAGS: &[&str] = &[
    "system-reminder",
    "command-name",
    "command-message",
    "local-command-stdout",
    "local-command-stderr",
    "local-command-caveat",
    "task-notification",
    "bash-input",
    "bash-stdout",
    "bash-stderr",
    "user-prompt-submit-hook",
    "ide_opened_file",
    "ide_selection",
    "environment_context",
    "user_instructions",
    "permissions",
    "collaboration_mode",
    "turn_aborted",
    "subagent_notification",
    "skill",
    "INSTRUCTIONS",
    "objective",
];

/// Beginnings of turns that are nobody's in every format.
pub(super) const STARTS: &[&str] = &[
    "Caveat: The messages below were generated",
    "This session is being continued from a previous conversation",
    "Operation stopped by hook:",
    "Stop hook feedback:",
    "# AGENTS.md instructions",
    "Another language model started to solve this problem",
    "Please analyze this codebase and create a CLAUDE.md",
    "Base directory for this skill:",
    "Unknown slash command:",
];

/// Claude Code.
pub(crate) const CLAUDE: Harness = Harness {
    tags: &[
        "teammate-message",
        "cross-session-message",
        "agent-message",
        "agent-notification",
        "bash-notification",
        "bash-exit-code",
        "background-task-input",
        "background-task-output",
        "command-contents",
        "fork-boilerplate",
        "mcp-resource-update",
        "mcp-polling-update",
        "new-diagnostics",
        "remote-review",
        "remote-review-progress",
        "tick",
    ],
    starts: &[
        "This session is being continued from another machine",
        "Your todo list has changed. DO NOT mention this",
        "This is a reminder that your todo list is currently empty",
        "Plan mode is active. The user indicated",
        "Stop hook blocking error from command",
    ],
    first_lines: &[
        "Unknown skill: ",
        "Unknown command: /",
        "Args from unknown skill: ",
        // These follow on the notice of a task.
        "Full transcript available at: /",
        "Read the output file to retrieve the result: ",
    ],
    lines: &["[Image: original ", "[Image: source: "],
    ..ANY
};

/// Codex, its extension for editors and its desktop application.
pub(crate) const CODEX: Harness = Harness {
    tags: &[
        "agent_message_board_notification",
        "apps_instructions",
        "codex_delegation",
        "codex_internal_context",
        "context_window",
        "context_window_guidance",
        "context_window_reminder",
        "current_time_reminder",
        "environments_instructions",
        "goal_context",
        "heartbeat",
        "hook_prompt",
        "image",
        "image_resize_notice",
        "in-app-browser-context",
        "model_switch",
        "multi_agent_role",
        "persistent_mode",
        "plugins_instructions",
        "realtime_conversation",
        "recommended_plugins",
        "rollout_budget",
        "skills_instructions",
        "token_budget",
        "user_action",
        "user_shell_command",
        "user_verification_notice",
    ],
    starts: &[
        "Warning: apply_patch was requested via",
        "Warning: The maximum number of unified exec processes",
        "Warning: Your account was flagged for potentially high-risk",
        "Review the current code changes (staged, unstaged, and untracked files)",
        "Review the code changes against the base branch '",
        "Review the code changes introduced by commit ",
    ],
    headings: &[
        ("", "## My request for Codex:"),
        ("# Context from my IDE setup:", "## My request:"),
        ("# Files mentioned by the user:", "## My request:"),
    ],
    ..ANY
};

/// Gemini CLI.
pub(crate) const GEMINI: Harness = Harness {
    tags: &["hook_context", "session_context", "state_snapshot"],
    starts: &[
        "This is the Gemini CLI. We are setting up the context for our chat",
        "Here is the user's editor context as a JSON object",
        "Here is a summary of changes in the user's editor context",
        "I ran the following shell command:\n```",
        "System: Please continue.",
        "System: Potential loop detected. Details:",
    ],
    enclosed: &[(
        "--- Content from referenced files ---",
        "--- End of content ---",
    )],
    ..ANY
};

/// Copilot CLI.
pub(crate) const COPILOT: Harness = Harness {
    tags: &[
        "current_datetime",
        "reminder",
        "skill-context",
        "system_notification",
        "system_reminder",
    ],
    starts: &["You have not yet marked the task as complete using the task_complete tool"],
    ..ANY
};

/// Gives back whether a turn of Claude Code is what a hook said: `PreToolUse:Bash hook blocking error from command: ...`.
pub(super) fn is_hook_notice(text: &str) -> bool {
    const HOOKS: &[&str] = &[
        "PreToolUse",
        "PostToolUse",
        "PostToolUseFailure",
        "UserPromptSubmit",
        "SessionStart",
        "Stop",
        "SubagentStart",
        "SubagentStop",
        "PreCompact",
        "Notification",
    ];
    const SAYS: &[&str] = &[
        "blocking error from command",
        "additional context:",
        "success:",
        "stopped continuation:",
    ];
    let line = text.trim_start().lines().next().unwrap_or("");
    let Some((hook, said)) = line.split_once(" hook ") else {
        return false;
    };
    let event = hook.split(':').next().unwrap_or(hook);
    // The part after the colon is a tool's name or why a session began.
    !hook.contains(' ')
        && HOOKS.contains(&event)
        && SAYS.iter().any(|start| said.starts_with(start))
}

/// What a person said of a plan of Claude Code when having it carried out: the rest of that turn is the model's plan.
pub(super) fn feedback_on_plan(text: &str) -> &str {
    let Some((_, said)) = text.rsplit_once("\n\nUser feedback on this plan: ") else {
        return "";
    };
    let ends = said.find("\n\nIf you need specific details from before");
    said[..ends.unwrap_or(said.len())].trim()
}

/// Everything from a line with such a beginning on is OpenClaw speaking.
pub(super) const OPENCLAW_STARTS: &[&str] = &[
    "[cron:",
    "Read HEARTBEAT.md",
    "[OpenClaw heartbeat poll]",
    "[OpenClaw cron wake]",
    "[OpenClaw session event]",
    "[OpenClaw runtime event]",
    "[OpenClaw room event]",
    "[OpenClaw interruption]",
    "[Bootstrap pending]",
    "[Subagent Context]",
    "[Subagent Task]",
    "[Inter-session message]",
    "[Internal task completion event]",
    "[System Message] [sessionId:",
    "A scheduled reminder has been triggered",
    "An async command",
    "A new session was started via",
    "A subagent task \"",
    "A background task \"",
    "A cron job \"",
    "Agent-to-agent announce",
    "Pre-compaction memory flush",
    "Post-compaction context refresh",
    "Continue where you left off. The previous model attempt failed",
    "HEARTBEAT_OK",
];

/// A turn that begins so is OpenClaw's; further down such a sentence may be a person's.
pub(super) const OPENCLAW_OPENINGS: &[&str] = &[
    "Continue the OpenClaw runtime event.",
    "Continue the current task from the existing transcript, preserving completed work.",
    "Continue pursuing the current goal. Interpret this JSON string",
    "Pursue this goal exactly as written from this JSON string:",
    "OpenClaw runtime context",
    "[System] ",
    "[System Message] ",
    "Your previous response was only an acknowledgement and did not complete this cron task.",
    "Before accepting the previous final answer, apply this revision request",
    "The previous attempt did not produce a user-visible answer.",
    "The previous attempt compacted the conversation context before",
    "A completed subagent task is ready for parent review.",
    "Permission change. The operator changed this session's permissions.",
    "Run the following periodic tasks (only those due based on their intervals):",
    "Follow the heartbeat monitor scratch context",
    "Write a dream diary entry from these memory fragments",
];

/// Such lines are dropped one by one from a turn of OpenClaw.
pub(super) const OPENCLAW_LINES: &[&str] = &[
    "[message_id:",
    "[media attached",
    "To send an image back, prefer the message tool",
    "[Queued messages while agent was busy]",
    "[Queued user message from a previous active turn;",
    "Queued #",
    "Current time: ",
    "[Current message - respond to this]",
    "[System: The bot encountered a ",
    "[Image]",
    "<media:",
];

/// First and last lines of what OpenClaw puts among a person's words: quotes, documents, its own context.
pub(super) const OPENCLAW_ENCLOSED: &[(&str, &str)] = &[
    ("[Replying to ", "[/Replying]"),
    ("<file name=\"", "</file>"),
    ("<active_memory_plugin>", "</active_memory_plugin>"),
    (
        "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>",
        "<<<END_OPENCLAW_INTERNAL_CONTEXT>>>",
    ),
];

/// The first message of a new agent, which the setup sends when the person presses a button.
pub(super) const OPENCLAW_HATCHED: &str = "Wake up, my friend!";

/// The end of a heading over what newer versions of OpenClaw tell of a chat.
pub(super) const OPENCLAW_MARK: &str = " ⟦openclaw:ctx⟧";
