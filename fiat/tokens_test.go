package fiat_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gennaker/gennaker/fiat"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	id := fiat.TokenID(fiat.PrincipalUser, "Ines", " CI ")
	require.Equal(t, id, fiat.TokenID(fiat.PrincipalUser, "ines", "ci"))
	require.NotEqual(t, id, fiat.TokenID(fiat.PrincipalServiceAccount, "ines", "ci"))
	text, hash := fiat.NewToken(id)
	other, _ := fiat.NewToken(id)
	require.NotEqual(t, text, other)
	require.True(t, strings.HasPrefix(text, "spk_"))
	require.NotContains(t, hash, text)
	got, ok := fiat.ParseToken(text)
	require.True(t, ok)
	require.Equal(t, id, got)
	require.True(t, fiat.Token{Hash: hash}.Shows(text))
	require.False(t, fiat.Token{Hash: hash}.Shows(other))
	require.False(t, fiat.Token{}.Shows(""), "a token without a hash is shown by nothing")
	for _, bad := range []string{"", "spk_", text[:len(text)-1], text + "A", strings.ToUpper(text), "spk_" + id, strings.Replace(text, "spk_", "spx_", 1), "spk_../../accounts/x_" + text[29:]} {
		_, ok := fiat.ParseToken(bad)
		require.False(t, ok, bad)
	}
}

func FuzzParseToken(f *testing.F) {
	text, _ := fiat.NewToken(fiat.TokenID(fiat.PrincipalUser, "a", "b"))
	f.Add(text)
	f.Add("spk_/../_")
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := fiat.ParseToken(text)
		if ok {
			require.Regexp(t, "^[0-9a-f]{24}$", id, "an ID is part of an object's key")
			require.Len(t, text, len("spk_")+24+1+43)
		}
	})
}
