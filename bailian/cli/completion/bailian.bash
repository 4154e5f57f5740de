# Completion of `bailian` for bash; 3.2, as macOS has it, will do.
_bailian_completion() {
    local program=$1 what="" answer
    command -v -- "$program" >/dev/null 2>&1 || program=bailian
    COMPREPLY=()
    while IFS= read -r answer; do
        if [[ -z $what ]]; then
            what=$answer
        else
            COMPREPLY[${#COMPREPLY[@]}]=$answer
        fi
    done < <(_BAILIAN_COMPLETE=bash _BAILIAN_LINE="${COMP_LINE:0:COMP_POINT}" _BAILIAN_BREAKS="$COMP_WORDBREAKS" \
        "$program" </dev/null 2>/dev/null)
    type compopt >/dev/null 2>&1 || return 0
    case $what in
        files) compopt -o default ;;
        folders) compopt -o dirnames ;;
    esac
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace
    fi
}
if type compopt >/dev/null 2>&1; then
    complete -o nosort -F _bailian_completion bailian 2>/dev/null || complete -F _bailian_completion bailian
else
    complete -o default -F _bailian_completion bailian
fi
