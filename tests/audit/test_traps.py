"""What stands in correct public code and looks like a mistake, and mistakes that look harmless."""

from __future__ import annotations

import pytest
from auditing import codes

CORRECT = {
    "reverse KL on purpose": """
        def loss(student, teacher):
            log_p = F.log_softmax(teacher, dim=-1)
            return F.kl_div(log_p, F.softmax(student, dim=-1), reduction="batchmean")
    """,
    "a sum divided by the batch": """
        def loss(s, t):
            log_q, p = F.log_softmax(s, dim=1), F.softmax(t, dim=1)
            return F.kl_div(log_q, p, reduction="sum") / s.size(0)
    """,
    "none, then a sum over the categories": """
        def loss(s, t):
            terms = F.kl_div(F.log_softmax(s, -1), F.softmax(t, -1), reduction="none")
            return terms.sum(-1).mean()
    """,
    "batchmean divided by the pixels": """
        def loss(s, t):
            n, c, h, w = s.shape
            log_q = F.log_softmax(s.view(n, c, h * w), dim=1)
            p = F.softmax(t.view(n, c, h * w), dim=1)
            return F.kl_div(log_q, p, reduction="batchmean") / (h * w)
    """,
    "T² lines later": """
        def loss(s, t, y, T, alpha):
            log_q = F.log_softmax(s / T, dim=1)
            soft = F.kl_div(log_q, F.softmax(t / T, dim=1), reduction="batchmean")
            hard = F.cross_entropy(s, y)
            soft = soft * alpha
            return soft * T * T + (1 - alpha) * hard
    """,
    "nansum of p log(p/q)": """
        def kl(p, q):
            return np.nansum(p * np.log(p / q))
    """,
    "nan of 0 log 0 replaced": """
        def kl(p, q):
            terms = p * np.log(p / q)
            terms[np.isnan(terms)] = 0
            return terms.sum()
    """,
    "the generalised KL of SciPy": """
        def poisson(counts, rates):
            return np.sum(special.kl_div(counts, rates))
    """,
    "a reduction chosen at run time": """
        class Loss(nn.Module):
            def __init__(self, reduction="batchmean"):
                super().__init__()
                self.kl = nn.KLDivLoss(reduction=reduction)

            def forward(self, s, t):
                return self.kl(F.log_softmax(s, 1), F.softmax(t, 1))
    """,
    "arguments that may say the reduction": """
        def loss(log_q, p, **options):
            return F.kl_div(log_q, p, **options)
    """,
    "dim left out in both": """
        def loss(s, t):
            return F.kl_div(F.log_softmax(s), F.softmax(t), reduction="batchmean")
    """,
    "names that say the opposite": """
        def loss(student, teacher):
            student_probs = F.log_softmax(student, dim=1)
            teacher_logits = F.softmax(teacher, dim=1)
            return F.kl_div(student_probs, teacher_logits, reduction="batchmean")
    """,
    "both halves of a Bernoulli": """
        def loss(s, t):
            q, p = torch.sigmoid(s), torch.sigmoid(t)
            yes = F.kl_div(q.log(), p, reduction="none")
            no = F.kl_div((1 - q).log(), 1 - p, reduction="none")
            return (yes + no).mean(0).sum()
    """,
    "two outcomes stacked": """
        def loss(s, t):
            q = torch.stack([torch.sigmoid(s), 1 - torch.sigmoid(s)], dim=-1)
            p = torch.stack([torch.sigmoid(t), 1 - torch.sigmoid(t)], dim=-1)
            return F.kl_div(q.log(), p, reduction="none").sum(-1).mean()
    """,
    "the mean rescaled to batchmean": """
        def loss(s, t):
            return F.kl_div(F.log_softmax(s, 1), F.softmax(t, 1)) * s.shape[1]
    """,
    "Jensen-Shannon the right way round": """
        def js(a, b):
            p, q = F.softmax(a, 1), F.softmax(b, 1)
            log_m = (0.5 * (p + q)).clamp(1e-7, 1).log()
            return sum(F.kl_div(log_m, x, reduction="batchmean") for x in (p, q)) / 2
    """,
    "symmetric KL in logarithms": """
        def sym(a, b):
            a, b = F.log_softmax(a, -1), F.log_softmax(b, -1)
            there = F.kl_div(a, b, reduction="batchmean", log_target=True)
            return there + F.kl_div(b, a, reduction="batchmean", log_target=True)
    """,
    "symmetric KL of both kinds": """
        def sym(a, b):
            p, q = F.softmax(a, -1), F.softmax(b, -1)
            there = F.kl_div(p.log(), q, reduction="batchmean")
            return there + F.kl_div(q.log(), p, reduction="batchmean")
    """,
    "softmax over the first axis, turned": """
        def loss(s, t):
            log_q, p = F.log_softmax(s, dim=0).T, F.softmax(t, dim=0).T
            return F.kl_div(log_q, p, reduction="batchmean")
    """,
    "one distribution with an axis for the batch": """
        def loss(s, t):
            log_q = F.log_softmax(s, dim=0).unsqueeze(0)
            return F.kl_div(log_q, F.softmax(t, dim=0).unsqueeze(0), reduction="batchmean")
    """,
    "only entries with p = 0 left out": """
        def kl(p, q):
            return np.sum(np.where(p != 0, p * np.log(p / q), 0))
    """,
    "infinity where q is 0": """
        def kl(p, q):
            total = 0.0
            for a, b in zip(p, q):
                if a > 0 and b > 0:
                    total += a * np.log(a / b)
                elif a > 0:
                    return float("inf")
            return total
    """,
    "the distance as a distance": """
        def js_distance(p, q):
            return jensenshannon(p, q)
    """,
    "the root of half the KL bounds the total variation": """
        def pinsker(p, q):
            return np.sqrt(0.5 * stats.entropy(p, q))
    """,
    "an ELBO is maximised": """
        def elbo(log_likelihood, mu, logvar):
            return log_likelihood + 0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp(), dim=1)
    """,
    "minus the KL subtracted": """
        def loss(x, recon, mu, logvar):
            minus_kl = 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
            return F.mse_loss(recon, x, reduction="sum") - minus_kl
    """,
    "the distance of the KL from a capacity": """
        def loss(x, recon, mu, logvar, capacity):
            kl = torch.mean(-0.5 * torch.sum(1 + logvar - mu ** 2 - logvar.exp(), dim=1))
            return F.mse_loss(recon, x) + 1000 * torch.abs(capacity - kl)
    """,
    "the half one line later": """
        def kl(mu, logvar):
            kl = 1 + logvar - mu.pow(2) - logvar.exp()
            kl = torch.sum(kl, dim=1)
            kl *= -0.5
            return kl.mean()
    """,
    "log σ in both places": """
        def sample(mu, log_std):
            return mu + torch.randn_like(mu) * log_std.exp()

        def kl(mu, log_std):
            return -0.5 * torch.sum(1 + 2 * log_std - mu ** 2 - torch.exp(2 * log_std))
    """,
    "σ and its square": """
        def kl(mu, sigma):
            return 0.5 * torch.sum(mu ** 2 + sigma ** 2 - torch.log(sigma ** 2 + 1e-8) - 1)
    """,
    "the same edges": """
        def drift(old, new):
            edges = np.histogram_bin_edges(np.concatenate([old, new]), bins=20)
            p, q = (np.histogram(x, bins=edges)[0] + 1 for x in (old, new))
            return stats.entropy(p, q)
    """,
    "the same range": """
        def drift(old, new):
            p = np.histogram(old, bins=20, range=(0, 1))[0] + 1
            q = np.histogram(new, bins=20, range=(0, 1))[0] + 1
            return stats.entropy(p, q)
    """,
    "mutual information where the table is not empty": """
        def mi(table):
            independent = np.outer(table.sum(1), table.sum(0))
            some = table > 0
            return np.sum(table[some] * np.log(table[some] / independent[some]))
    """,
    "softmax of a linear layer": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.out = nn.Linear(8, 3)
                self.log_softmax = nn.LogSoftmax(dim=-1)

            def forward(self, x, p):
                return F.kl_div(self.log_softmax(self.out(x)), p, reduction="batchmean")
    """,
}


def test_a_half_and_a_one_are_no_small_constants():
    text = """
        def stirling(m, r, n):
            return (m + 0.5) * np.log((m + 1) / (r * (n - m + 1)))

        def smoothed(p, q):
            return np.sum(p * np.log((p + 1) / (q + 1)))
    """
    assert codes(text, select=["ALL"]) == []


def test_what_is_added_to_data_is_no_small_constant():
    text = """
        def deviance(y, mu, alpha):
            y_alpha, mu_alpha = y + 1 / alpha, mu + 1 / alpha
            return y_alpha * np.log(y_alpha / mu_alpha)

        def posterior(k, m):
            return (k + 0.5) * np.log((k + 0.5) / m)
    """
    assert codes(text, select=["KLD185"]) == []


def test_a_parameter_that_is_added_to_both_is_one():
    text = "def kl(p, q, c):\n    return np.sum(special.rel_entr(p + c, q + c))"
    assert codes(text, select=["KLD185"]) == ["KLD185"]


def test_a_parameter_that_is_small_by_default_is_one():
    text = """
        def kl(p, q, eps=1e-5):
            p, q = p + eps, q + eps
            return np.sum(p * np.log(p / q))
    """
    assert codes(text, select=["KLD185"]) == ["KLD185"]


def test_probabilities_and_one_more_are_none():
    assert codes("F.kl_div(1 + s.softmax(-1), p, reduction='sum')", select=["KLD1"]) == []
    assert codes("F.kl_div(1e-8 + s.softmax(-1), p, reduction='sum')") == ["KLD101"]


def test_a_model_of_something_detached_is_not_detached():
    text = """
        def loss(model, x, step):
            moved = x.detach() + step
            log_q = F.log_softmax(model(moved.detach()), dim=1)
            return F.kl_div(log_q, F.softmax(model(x), dim=1), reduction="sum")
    """
    assert codes(text, select=["KLD212"]) == []


def test_scores_that_are_detached_are():
    text = """
        def loss(student, teacher, T):
            log_q = F.log_softmax(student.detach() / T, dim=1)
            return F.kl_div(log_q, F.softmax(teacher / T, dim=1), reduction="sum")
    """
    assert codes(text, select=["KLD212"]) == ["KLD212"]


@pytest.mark.parametrize("name", CORRECT)
def test_correct_code_is_clean(name):
    assert codes(CORRECT[name]) == []


def test_a_temperature_squared_later_is_no_temperature_without_square():
    assert codes(CORRECT["T² lines later"], select=["KLD211"]) == []


WRONG = {
    "skipped where q is 0": (
        "KLD183",
        """
        def kl(p, q):
            total = 0.0
            for a, b in zip(p, q):
                if a == 0 or b == 0:
                    continue
                total += a * np.log(a / b)
            return total
        """,
    ),
    "a comprehension that leaves out q = 0": (
        "KLD183",
        """
        def kl(p, q):
            return sum(a * np.log(a / b) for a, b in zip(p, q) if a > 0 and b > 0)
        """,
    ),
    "where neither is 0": (
        "KLD183",
        """
        def kl(p, q):
            return np.where((p != 0) & (q != 0), p * np.log(p / q), 0).sum()
        """,
    ),
    "the mean of a stack": (
        "KLD121",
        """
        def js(a, b):
            p, q = F.softmax(a, -1), F.softmax(b, -1)
            m = torch.mean(torch.stack([p, q]), dim=0)
            return F.kl_div(p.log(), m, reduction="batchmean")
        """,
    ),
    "the mean by methods": (
        "KLD121",
        """
        def js(a, b):
            p, q = F.softmax(a, -1), F.softmax(b, -1)
            return F.kl_div(p.log(), p.add(q).div(2), reduction="batchmean")
        """,
    ),
    "Jensen-Shannon of SciPy's entropy": (
        "KLD121",
        """
        def js(p, q):
            m = (p + q) / 2
            return (stats.entropy(m, p) + stats.entropy(m, q)) / 2
        """,
    ),
    "Jensen-Shannon by hand": (
        "KLD121",
        """
        def js(p, q):
            m = 0.5 * (p + q)
            return np.sum(m * np.log(m / p)) + np.sum(m * np.log(m / q))
        """,
    ),
    "a VAE of Keras": (
        "KLD172",
        """
        from tensorflow.keras import backend as K
        from tensorflow.keras.losses import binary_crossentropy

        def loss(x, out, mu, log_var):
            fit = 784 * binary_crossentropy(x, out)
            kl = 0.5 * K.sum(1 + log_var - K.square(mu) - K.exp(log_var), axis=-1)
            return K.mean(fit + kl)
        """,
    ),
    "the sampling of a Keras VAE": (
        "KLD171",
        """
        from tensorflow.keras import backend as K

        def sampling(args):
            z_mean, z_log_var = args
            noise = K.random_normal(shape=K.shape(z_mean))
            return z_mean + K.exp(z_log_var) * noise

        def kl(z_mean, z_log_var):
            return -0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
        """,
    ),
    "noise in place": (
        "KLD171",
        """
        def sample(mu, logvar):
            std = logvar.exp()
            return mu + std * torch.empty_like(std).normal_()

        def kl(mu, logvar):
            return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        """,
    ),
    "a mean with a number of terms": (
        "KLD113",
        """
        def loss(s, t, T):
            terms = F.kl_div(F.log_softmax(s / T, 1), F.softmax(t / T, 1), reduction="none")
            return (terms * T ** 2).mean()
        """,
    ),
    "own bins, by torch": (
        "KLD181",
        """
        def drift(a, b):
            p, q = torch.histc(a, bins=50), torch.histc(b, bins=50)
            return stats.entropy(p + 1, q + 1)
        """,
    ),
    "infinity set to 0": (
        "KLD191",
        """
        def kl(p, q):
            terms = special.rel_entr(p, q)
            terms[np.isinf(terms)] = 0
            return terms.sum()
        """,
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_found_however_it_is_spelled(name):
    code, text = WRONG[name]
    assert codes(text) == [code]
