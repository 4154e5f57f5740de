# Completion of `bailian` for fish.
function __bailian_complete
    set -l line (commandline -cp | string collect)
    set -l answers (env _BAILIAN_COMPLETE=fish _BAILIAN_LINE="$line" bailian </dev/null 2>/dev/null)
    set -q answers[1]; or return
    set -l what $answers[1]
    set -e answers[1]
    switch $what
        case files
            __fish_complete_path (commandline -ct)
        case folders
            __fish_complete_directories (commandline -ct) ''
        case '*'
            string join -- \n $answers
    end
end
complete --command bailian --no-files --keep-order --arguments '(__bailian_complete)'
