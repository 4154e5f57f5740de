#compdef bailian
# Completion of `bailian` for zsh.
_bailian() {
    local answer value tab=$'\t'
    local -a answers values shown folders
    answers=("${(@f)$(_BAILIAN_COMPLETE=zsh _BAILIAN_LINE="${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX" \
        ${~words[1]} </dev/null 2>/dev/null)}")
    case $answers[1] in
        files) _files; return ;;
        folders) _files -/; return ;;
    esac
    for answer in "${(@)answers[2,-1]}"; do
        value=${answer%%$tab*}
        if [[ $value == */ ]]; then
            folders+=("$value")
        elif [[ -n $value ]]; then
            values+=("$value")
            if [[ $answer == *$tab?* ]]; then
                shown+=("$value  -- ${answer#*$tab}")
            else
                shown+=("$value")
            fi
        fi
    done
    (( $#folders )) && compadd -S '' -- "${(@)folders}"
    (( $#values )) && compadd -l -V bailian -d shown -- "${(@)values}"
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _bailian "$@"
else
    if (( ! $+functions[compdef] )); then
        autoload -Uz compinit && compinit -i
    fi
    compdef _bailian bailian
fi
